package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

const (
	maxPage  = 200
	maxToken = 2048
)

// member is one connection of a group.
type member struct {
	ConnectionID string  `json:"connectionId"`
	UserID       *string `json:"userId,omitempty"`
}

func (a *API) listGroup(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	q := r.URL.Query()
	size, ok := pageNumber(w, q, "maxpagesize", maxPage, maxPage)
	if !ok {
		return
	}
	top, ok := pageNumber(w, q, "top", 1<<31-1, 0)
	if !ok {
		return
	}
	after := ""
	if q.Has("continuationToken") {
		if after, ok = readContinuation(h.Name, group(r), q["continuationToken"]); !ok {
			writeProblem(w, "continuationToken", "Invalid continuationToken.")
			return
		}
	}
	limit := size
	if top > 0 {
		limit = min(size, top)
	}
	page, more := h.List(group(r), after, limit)
	out := struct {
		Value    []member `json:"value"`
		NextLink string   `json:"nextLink,omitempty"`
	}{Value: make([]member, 0, len(page))}
	for _, c := range page {
		out.Value = append(out.Value, member{c.ID, c.UserID})
	}
	if more && (top == 0 || top > len(page)) {
		next := url.Values{"api-version": {"2024-12-01"}, "maxpagesize": {strconv.Itoa(size)}}
		next.Set("continuationToken", continuation(h.Name, group(r), page[len(page)-1].ID))
		if top > 0 {
			next.Set("top", strconv.Itoa(top-len(page)))
		}
		out.NextLink = a.Bases(r)[0] + r.URL.EscapedPath() + "?" + next.Encode()
	}
	writeJSON(w, http.StatusOK, out)
}

// pageNumber reads a parameter from 1 to most that may stand once or not at all.
func pageNumber(w http.ResponseWriter, q url.Values, name string, most, without int) (int, bool) {
	switch len(q[name]) {
	case 0:
		return without, true
	case 1:
		if n, err := strconv.Atoi(q.Get(name)); err == nil && 1 <= n && n <= most {
			return n, true
		}
	}
	writeProblem(w, name, "Invalid "+name+".")
	return 0, false
}

// continuation makes a token that means "after this id", for one group of one
// hub: it begins with a digest of both.
func continuation(hubName, group, id string) string {
	return base64.RawURLEncoding.EncodeToString(append(listDigest(hubName, group), id...))
}

func readContinuation(hubName, group string, values []string) (string, bool) {
	if len(values) != 1 || len(values[0]) > maxToken {
		return "", false
	}
	data, err := base64.RawURLEncoding.DecodeString(values[0])
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(data), string(listDigest(hubName, group)))
}

func listDigest(hubName, group string) []byte {
	sum := sha256.Sum256([]byte(hubName + "\x00" + group))
	return sum[:8]
}
