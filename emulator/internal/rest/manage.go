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

func (a *API) closeConnections(r *http.Request, h *hub.Hub) *answer {
	q, t := r.URL.Query(), target(r)
	if t.ConnectionID == "" {
		t.Excluded = q["excluded"]
	}
	h.Close(t, q.Get("reason"))
	return &answer{status: http.StatusNoContent}
}

func (a *API) exists(r *http.Request, h *hub.Hub) *answer {
	t := target(r)
	if !h.Exists(t) {
		what, name := subject(t)
		return notFound(graveWarning, what, name)
	}
	return &answer{status: http.StatusOK}
}

func (a *API) addToGroup(r *http.Request, h *hub.Hub) *answer {
	n, err := h.Join(member(r), group(r))
	if n == 0 {
		what, name := subject(member(r))
		return notFound(graveError, what, name)
	}
	return joined(err)
}

// removeFromGroup removes from the group in the path, or from all groups.
func (a *API) removeFromGroup(r *http.Request, h *hub.Hub) *answer {
	h.Leave(member(r), group(r))
	return &answer{status: http.StatusNoContent}
}

// groupsBody is the body of the operations on many groups.
type groupsBody struct {
	Groups []string `json:"groups"`
	Filter string   `json:"filter"`
}

func readGroups(r *http.Request) (groups []string, t hub.Target, refused *answer) {
	media, params, err := mime.ParseMediaType(r.Header.Get(wire.HeaderContentType))
	if err != nil || media != wire.MediaJSON {
		return nil, t, unsupported("The Content-Type is not application/json.")
	}
	decode := charset(params["charset"])
	if decode == nil {
		return nil, t, unsupported(charsetRule)
	}
	in, err := decodeGroups(r.Body, decode)
	if err != nil {
		return nil, t, problem(inBody, "The request body must be one object with groups and filter, of at most 1 MiB.")
	}
	if len(in.Groups) == 0 {
		return nil, t, problem("groups", "The field groups must have at least one group.")
	}
	for _, g := range in.Groups {
		if !validGroup(g) {
			return nil, t, problem("groups", groupRule)
		}
	}
	if t.Filter, err = odata.Parse(in.Filter); err != nil {
		return nil, t, filterProblem(err)
	}
	return in.Groups, t, nil
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

func (a *API) addToGroups(r *http.Request, h *hub.Hub) *answer {
	groups, t, refused := readGroups(r)
	if refused != nil {
		return refused
	}
	var err error
	for _, c := range h.Select(t) { // once: a join may change what the filter matches
		for _, g := range groups {
			if _, full := h.Join(hub.Target{ConnectionID: c.ID}, g); full != nil {
				err = full
			}
		}
	}
	return joined(err)
}

// joined answers a call that adds connections to groups. An error is about one of
// them; the others have joined.
func joined(err error) *answer {
	if full := (*hub.FullError)(nil); errors.As(err, &full) {
		return conflict(fmt.Sprintf("Connection %#q is in %d groups, the maximum.", full.ConnectionID, full.Groups))
	}
	return &answer{status: http.StatusOK}
}

func (a *API) removeFromGroups(r *http.Request, h *hub.Hub) *answer {
	groups, t, refused := readGroups(r)
	if refused != nil {
		return refused
	}
	for _, c := range h.Select(t) {
		for _, g := range groups {
			h.Leave(hub.Target{ConnectionID: c.ID}, g)
		}
	}
	return &answer{status: http.StatusOK}
}

// permission returns the action and the group of a permission. The service documents
// the group as required; its answer without one is unknown.
func permission(r *http.Request) (a role.Action, group string, refused *answer) {
	group = r.URL.Query().Get("targetName")
	if !validGroup(group) {
		return 0, "", problem("targetName", "The field targetName must be the name of a group.")
	}
	if strings.EqualFold(r.PathValue("permission"), "sendToGroup") {
		a = role.Send
	}
	return a, group, nil
}

func (a *API) grant(r *http.Request, h *hub.Hub) *answer {
	action, group, refused := permission(r)
	if refused != nil {
		return refused
	}
	id := r.PathValue("connection")
	c := h.Connection(id)
	if c == nil {
		return notFound(graveInfo, "Connection", id)
	}
	if !c.Grant(action, group) {
		return tooManyPermissions(id)
	}
	return &answer{status: http.StatusOK}
}

func (a *API) revoke(r *http.Request, h *hub.Hub) *answer {
	action, group, refused := permission(r)
	if refused != nil {
		return refused
	}
	id := r.PathValue("connection")
	if c := h.Connection(id); c != nil && !c.Revoke(action, group) {
		return tooManyPermissions(id)
	}
	return &answer{status: http.StatusNoContent}
}

// tooManyPermissions answers 409. Permissions of roles that were revoked count, too,
// since each is an entry.
func tooManyPermissions(id string) *answer {
	return conflict(fmt.Sprintf("Connection %#q has %d permissions for single groups, the maximum.", id, role.MaxGroups))
}

func (a *API) hasPermission(r *http.Request, h *hub.Hub) *answer {
	action, group, refused := permission(r)
	if refused != nil {
		return refused
	}
	id := r.PathValue("connection")
	if c := h.Connection(id); c == nil || !c.Allows(action, group) {
		return notFound(graveInfo, "Connection", id)
	}
	return &answer{status: http.StatusOK}
}

// maxLifetime is in minutes. The API accepts more than a time.Duration can hold.
const maxLifetime = 100 * 365 * 24 * 60

func (a *API) generateToken(r *http.Request, h *hub.Hub) *answer {
	q := r.URL.Query()
	refuse := func(field, rule string) *answer {
		out := problem(field, rule)
		out.mediaType = wire.MediaJSON
		return out
	}
	minutes := 60
	if text := q.Get("minutesToExpire"); text != "" {
		var err error
		if minutes, err = strconv.Atoi(text); err != nil || minutes < 1 || minutes > 1<<31-1 {
			return refuse("minutesToExpire", "The field minutesToExpire must be between 1 and 2147483647.")
		}
	}
	path := "/client/hubs/"
	switch clientType := q.Get("clientType"); strings.ToLower(clientType) {
	case "", "default":
	case "mqtt":
		path = "/clients/mqtt/hubs/"
	default:
		// Web PubSub for Socket.IO, which is not emulated, uses Default as well.
		return refuse("clientType", fmt.Sprintf("The value '%.128s' is not valid.", clientType))
	}
	for _, g := range q["group"] {
		if !validGroup(g) {
			return refuse("group", groupRule)
		}
	}
	audience := base(r) + path + r.PathValue("hub")
	lifetime := time.Duration(min(minutes, maxLifetime)) * time.Minute
	text := a.Keys.Make(audience, lifetime, q.Get("userId"), q["role"], q["group"])
	return &answer{status: http.StatusOK, body: map[string]string{"token": text}}
}
