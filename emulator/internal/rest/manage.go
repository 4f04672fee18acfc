package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/odata"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

func group(r *http.Request) string { return r.PathValue("group") }

// member returns the connection or the connections of the user in the path.
func member(r *http.Request) hub.Target {
	return hub.Target{ConnectionID: r.PathValue("connection"), UserID: r.PathValue("user")}
}

// target returns the connection, user or group in the path, or all connections.
func target(r *http.Request) hub.Target {
	t := member(r)
	t.Group = group(r)
	return t
}

// subject returns what a target selects, and its name.
func subject(t hub.Target) (what, name string) {
	switch {
	case t.ConnectionID != "":
		return "Connection", t.ConnectionID
	case t.UserID != "":
		return "User", t.UserID
	default:
		return "Group", t.Group
	}
}

func (a *API) closeConnections(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	q, t := r.URL.Query(), target(r)
	if t.ConnectionID == "" {
		t.Excluded = q["excluded"]
	}
	h.Close(t, q.Get("reason"))
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) exists(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	t := target(r)
	what, name := subject(t)
	writeExists(w, h.Exists(t), graveWarning, what, name)
}

// writeExists answers a HEAD request. Of a 404, the length and the code are sent, but
// not the body.
func writeExists(w http.ResponseWriter, ok bool, grave, what, name string) {
	if ok {
		w.WriteHeader(http.StatusOK)
		return
	}
	notFound(w, grave, what, name)
}

func (a *API) addToGroup(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	n, err := h.Join(member(r), group(r))
	if n == 0 {
		what, name := subject(member(r))
		notFound(w, graveError, what, name)
		return
	}
	writeJoined(w, err)
}

// removeFromGroup removes from the group in the path, or from all groups.
func (a *API) removeFromGroup(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	h.Leave(member(r), group(r))
	w.WriteHeader(http.StatusNoContent)
}

// groupsBody is the body of the operations on many groups.
type groupsBody struct {
	Groups []string `json:"groups"`
	Filter string   `json:"filter"`
}

func readGroups(w http.ResponseWriter, r *http.Request) (groups []string, t hub.Target, ok bool) {
	media, params, err := mime.ParseMediaType(r.Header.Get(wire.HeaderContentType))
	decode := charset(params["charset"])
	switch {
	case err != nil || media != wire.MediaJSON:
		writeRefusal(w, unsupported("The Content-Type is not application/json."))
		return nil, t, false
	case decode == nil:
		writeRefusal(w, unsupported(charsetRule))
		return nil, t, false
	}
	in, err := decodeGroups(http.MaxBytesReader(w, r.Body, maxMessage), decode)
	if err != nil {
		writeProblem(w, inBody, "The request body must be one object with groups and filter, of at most 1 MiB.")
		return nil, t, false
	}
	if len(in.Groups) == 0 {
		writeProblem(w, "groups", "The field groups must have at least one group.")
		return nil, t, false
	}
	for _, g := range in.Groups {
		if !validGroup(g) {
			writeProblem(w, "groups", groupRule)
			return nil, t, false
		}
	}
	if t.Filter, err = odata.Parse(in.Filter); err != nil {
		writeFilterProblem(w, err)
		return nil, t, false
	}
	return in.Groups, t, true
}

func decodeGroups(body io.Reader, decode func([]byte) ([]byte, bool)) (in groupsBody, err error) {
	data, err := io.ReadAll(body)
	if err != nil {
		return in, err
	}
	data, ok := decode(data)
	if !ok {
		return in, errors.New("invalid charset")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return in, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return in, errors.New("more than one value")
	}
	return in, nil
}

func (a *API) addToGroups(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	groups, t, ok := readGroups(w, r)
	if !ok {
		return
	}
	var err error
	for _, c := range h.Select(t) { // once: a join may change what the filter matches
		for _, g := range groups {
			if _, full := h.Join(hub.Target{ConnectionID: c.ID}, g); full != nil {
				err = full
			}
		}
	}
	writeJoined(w, err)
}

// writeJoined answers a call that adds connections to groups. An error is about one of
// them; the others have joined.
func writeJoined(w http.ResponseWriter, err error) {
	if full := (*hub.FullError)(nil); errors.As(err, &full) {
		message := fmt.Sprintf("Connection %#q is in %d groups, the maximum.", full.ConnectionID, full.Groups)
		writeError(w, http.StatusConflict, "Error.Connection.Conflict", message, "Connection")
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (a *API) removeFromGroups(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	groups, t, ok := readGroups(w, r)
	if !ok {
		return
	}
	for _, c := range h.Select(t) {
		for _, g := range groups {
			h.Leave(hub.Target{ConnectionID: c.ID}, g)
		}
	}
	w.WriteHeader(http.StatusOK)
}

// permission returns the action and the group of a permission. The service documents
// the group as required; its answer without one is unknown.
func permission(w http.ResponseWriter, r *http.Request) (a role.Action, group string, ok bool) {
	group = r.URL.Query().Get("targetName")
	if !validGroup(group) {
		writeProblem(w, "targetName", "The field targetName must be the name of a group.")
		return 0, "", false
	}
	if strings.EqualFold(r.PathValue("permission"), "sendToGroup") {
		a = role.Send
	}
	return a, group, true
}

func (a *API) grant(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	action, group, ok := permission(w, r)
	if !ok {
		return
	}
	c := h.Connection(r.PathValue("connection"))
	if c == nil {
		notFound(w, graveInfo, "Connection", r.PathValue("connection"))
		return
	}
	if !c.Grant(action, group) {
		tooManyPermissions(w, c.ID)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (a *API) revoke(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	action, group, ok := permission(w, r)
	if !ok {
		return
	}
	if c := h.Connection(r.PathValue("connection")); c != nil && !c.Revoke(action, group) {
		tooManyPermissions(w, c.ID)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// tooManyPermissions answers 409. Permissions of roles that were revoked count, too,
// since each is an entry.
func tooManyPermissions(w http.ResponseWriter, id string) {
	message := "Connection `" + id + "` has " + strconv.Itoa(role.MaxGroups) + " permissions for single groups, the maximum."
	writeError(w, http.StatusConflict, "Error.Connection.Conflict", message, "Connection")
}

func (a *API) hasPermission(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	action, group, ok := permission(w, r)
	if !ok {
		return
	}
	id := r.PathValue("connection")
	c := h.Connection(id)
	writeExists(w, c != nil && c.Allows(action, group), graveInfo, "Connection", id)
}

// maxLifetime is in minutes. The API accepts more than a time.Duration can hold.
const maxLifetime = 100 * 365 * 24 * 60

func (a *API) generateToken(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	q := r.URL.Query()
	refuse := func(field, rule string) { writeProblemAs(w, wire.MediaJSON, field, rule) }
	minutes := 60
	if text := q.Get("minutesToExpire"); text != "" {
		var err error
		if minutes, err = strconv.Atoi(text); err != nil || minutes < 1 || minutes > 1<<31-1 {
			refuse("minutesToExpire", "The field minutesToExpire must be between 1 and 2147483647.")
			return
		}
	}
	path := "/client/hubs/"
	switch clientType := q.Get("clientType"); strings.ToLower(clientType) {
	case "", "default":
	case "mqtt":
		path = "/clients/mqtt/hubs/"
	default:
		// Web PubSub for Socket.IO, which is not emulated, uses Default as well.
		refuse("clientType", fmt.Sprintf("The value '%.128s' is not valid.", clientType))
		return
	}
	for _, g := range q["group"] {
		if !validGroup(g) {
			refuse("group", groupRule)
			return
		}
	}
	audience := a.Bases(r)[0] + path + r.PathValue("hub")
	text, err := a.Keys.Make(audience, time.Duration(min(minutes, maxLifetime))*time.Minute, q.Get("userId"), q["role"], q["group"])
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": text})
}
