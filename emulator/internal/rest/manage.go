package rest

import (
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

func connection(r *http.Request) hub.Target {
	return hub.Target{ConnectionID: r.PathValue("connection")}
}

func user(r *http.Request) hub.Target { return hub.Target{UserID: r.PathValue("user")} }

func closeTarget(w http.ResponseWriter, r *http.Request, h *hub.Hub, t hub.Target) {
	q := r.URL.Query()
	if t.ConnectionID == "" {
		t.Excluded = q["excluded"]
	}
	h.Close(t, q.Get("reason"))
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) closeAll(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	closeTarget(w, r, h, hub.Target{})
}

func (a *API) closeGroup(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	closeTarget(w, r, h, hub.Target{Group: group(r)})
}

func (a *API) closeUser(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	closeTarget(w, r, h, user(r))
}

func (a *API) closeConnection(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	closeTarget(w, r, h, connection(r))
}

func exists(w http.ResponseWriter, ok bool) {
	if ok {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

func (a *API) connectionExists(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	exists(w, h.Exists(connection(r)))
}

func (a *API) groupExists(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	exists(w, h.Exists(hub.Target{Group: group(r)}))
}

func (a *API) userExists(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	exists(w, h.Exists(user(r)))
}

func (a *API) addConnection(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	n, err := h.Join(connection(r), group(r))
	if n == 0 {
		notFound(w, "Connection", r.PathValue("connection"))
		return
	}
	writeJoined(w, err)
}

func (a *API) removeConnection(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	h.Leave(connection(r), group(r))
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) removeConnectionFromAll(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	h.Leave(connection(r), "")
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) addUser(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	n, err := h.Join(user(r), group(r))
	if n == 0 {
		notFound(w, "User", r.PathValue("user"))
		return
	}
	writeJoined(w, err)
}

func (a *API) removeUser(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	h.Leave(user(r), group(r))
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) removeUserFromAll(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	h.Leave(user(r), "")
	w.WriteHeader(http.StatusNoContent)
}

// groupsBody is the body of the operations on many groups.
type groupsBody struct {
	Groups []string `json:"groups"`
	Filter string   `json:"filter"`
}

func readGroups(w http.ResponseWriter, r *http.Request) (groups []string, t hub.Target, ok bool) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != wire.MediaJSON {
		writeError(w, http.StatusUnsupportedMediaType, "UnsupportedMediaType", "The Content-Type is not application/json.", "")
		return nil, t, false
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage))
	d.DisallowUnknownFields()
	var in groupsBody
	err := d.Decode(&in)
	if err == nil {
		if _, err = d.Token(); err == nil {
			err = errors.New("more than one value")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		writeProblem(w, "$", "The request body is not one object of groups and filter, of at most 1 MiB.")
		return nil, t, false
	}
	if in.Groups == nil {
		writeProblem(w, "groups", "The groups field is required.")
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

func (a *API) addToGroups(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	groups, t, ok := readGroups(w, r)
	if !ok {
		return
	}
	var err error
	for _, c := range h.Select(t) { // once: joining may change whom the filter means
		for _, g := range groups {
			if _, full := h.Join(hub.Target{ConnectionID: c.ID}, g); full != nil {
				err = full
			}
		}
	}
	writeJoined(w, err)
}

// writeJoined answers a call that puts connections into groups. Those that could
// join have joined, also if another could not.
func writeJoined(w http.ResponseWriter, err error) {
	if full := (*hub.FullError)(nil); errors.As(err, &full) {
		message := fmt.Sprintf("Connection %#q is in %d groups, which is the most.", full.ConnectionID, full.Groups)
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

// permission reads what a permission is about. The service says that a group is
// required; what it does without one is not known.
func permission(w http.ResponseWriter, r *http.Request) (a role.Action, group string, ok bool) {
	group = r.URL.Query().Get("targetName")
	if !validGroup(group) {
		writeProblem(w, "targetName", "The field targetName must be the name of a group.")
		return 0, "", false
	}
	if r.PathValue("permission") == "sendToGroup" {
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
		id := r.PathValue("connection")
		writeError(w, http.StatusNotFound, "Info.Connection.NotExisted", "Connection `"+id+"` is not found.", "Connection")
		return
	}
	c.Grant(action, group)
	w.WriteHeader(http.StatusOK)
}

func (a *API) revoke(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	action, group, ok := permission(w, r)
	if !ok {
		return
	}
	if c := h.Connection(r.PathValue("connection")); c != nil {
		c.Revoke(action, group)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (a *API) hasPermission(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	action, group, ok := permission(w, r)
	if !ok {
		return
	}
	c := h.Connection(r.PathValue("connection"))
	exists(w, c != nil && c.Allows(action, group))
}

// maxLifetime in minutes. The API takes more than a time.Duration can say.
const maxLifetime = 100 * 365 * 24 * 60

func (a *API) generateToken(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	q := r.URL.Query()
	minutes := 60
	if text := q.Get("minutesToExpire"); text != "" {
		var err error
		if minutes, err = strconv.Atoi(text); err != nil || minutes < 1 || minutes > 1<<31-1 {
			writeProblem(w, "minutesToExpire", "The field minutesToExpire must be 1 or more.")
			return
		}
	}
	path := "/client/hubs/"
	switch strings.ToLower(q.Get("clientType")) {
	case "", "default":
	case "mqtt":
		path = "/clients/mqtt/hubs/"
	default:
		writeProblem(w, "clientType", "The field clientType must be Default or MQTT.")
		return
	}
	audience := a.Bases(r)[0] + path + r.PathValue("hub")
	text, err := a.Keys.Make(audience, time.Duration(min(minutes, maxLifetime))*time.Minute, q.Get("userId"), q["role"], q["group"])
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": text})
}
