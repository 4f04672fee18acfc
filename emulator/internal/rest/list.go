package rest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

const (
	maxPage  = 200
	maxToken = 2048
)

// listed is a connection of a group.
type listed struct {
	ConnectionID string  `json:"connectionId"`
	UserID       *string `json:"userId"` // null for none
}

func (a *API) listGroup(r *http.Request, h *hub.Hub) *answer {
	q := r.URL.Query()
	size, ok := pageNumber(q, "maxpagesize", maxPage, maxPage)
	if !ok {
		return problem("maxpagesize", "Invalid maxpagesize.")
	}
	top, ok := pageNumber(q, "top", 1<<31-1, 0)
	if !ok {
		return problem("top", "Invalid top.")
	}
	after := ""
	if q.Has("continuationToken") {
		if after, ok = a.pages.read(h.Name, group(r), q["continuationToken"]); !ok {
			return problem("continuationToken", "Invalid continuationToken.")
		}
	}
	limit := size
	if top > 0 {
		limit = min(size, top)
	}
	page, more := h.List(group(r), after, limit)
	out := struct {
		Value    []listed `json:"value"`
		NextLink string   `json:"nextLink,omitempty"`
	}{Value: make([]listed, 0, len(page))}
	for _, c := range page {
		out.Value = append(out.Value, listed{c.ID, c.UserID})
	}
	if more && (top == 0 || top > len(page)) {
		next := url.Values{"api-version": {latest}, "maxpagesize": {strconv.Itoa(size)}}
		next.Set("continuationToken", a.pages.token(h.Name, group(r), page[len(page)-1].ID))
		if top > 0 {
			next.Set("top", strconv.Itoa(top-len(page)))
		}
		out.NextLink = base(r) + r.URL.EscapedPath() + "?" + next.Encode()
	}
	return &answer{status: http.StatusOK, body: out}
}

// pageNumber returns an optional parameter from 1 to most, or without if it is absent.
func pageNumber(q url.Values, name string, most, without int) (n int, ok bool) {
	if len(q[name]) == 0 {
		return without, true
	}
	n, err := strconv.Atoi(q.Get(name))
	return n, err == nil && 1 <= n && n <= most && len(q[name]) == 1
}

// pager makes and reads continuation tokens. Its key lasts as long as the emulator,
// and it rejects the tokens of any other.
type pager struct{ key []byte }

func newPager() pager {
	p := pager{make([]byte, sha256.Size)}
	_, _ = rand.Read(p.key) // never fails
	return p
}

// token returns the token that continues after an id in one group of one hub.
func (p pager) token(hubName, group, id string) string {
	return base64.RawURLEncoding.EncodeToString(append(p.mac(hubName, group, id), id...))
}

// read returns the id of a token.
func (p pager) read(hubName, group string, values []string) (id string, ok bool) {
	if len(values) != 1 || len(values[0]) > maxToken {
		return "", false
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(values[0])
	if err != nil || len(data) < sha256.Size {
		return "", false
	}
	id = string(data[sha256.Size:])
	return id, hmac.Equal(data[:sha256.Size], p.mac(hubName, group, id))
}

func (p pager) mac(hubName, group, id string) []byte {
	h := hmac.New(sha256.New, p.key)
	_, _ = fmt.Fprintf(h, "%q %q %q", hubName, group, id) // never fails
	return h.Sum(nil)
}
