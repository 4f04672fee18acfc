package rest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/odata"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
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
	if h.Join(connection(r), group(r)) == 0 {
		notFound(w, "Connection", r.PathValue("connection"))
		return
	}
	w.WriteHeader(http.StatusOK)
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
	if h.Join(user(r), group(r)) == 0 {
		notFound(w, "User", r.PathValue("user"))
		return
	}
	w.WriteHeader(http.StatusOK)
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
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage))
	d.DisallowUnknownFields()
	var in groupsBody
	if err := d.Decode(&in); err != nil {
		writeProblem(w, "$", "The request body is not an object of groups and filter.")
		return nil, t, false
	}
	for _, g := range in.Groups {
		if subprotocol.CheckGroup(g) != nil {
			writeProblem(w, "groups", "The field group must have 1 to 1024 characters and not be blank.")
			return nil, t, false
		}
	}
	var err error
	if t.Filter, err = odata.Parse(in.Filter); err != nil {
		writeProblem(w, "filter", err.Error()+" (Parameter 'filter')")
		return nil, t, false
	}
	return in.Groups, t, true
}

func (a *API) addToGroups(w http.ResponseWriter, r *http.Request, h *hub.Hub) {
	groups, t, ok := readGroups(w, r)
	if !ok {
		return
	}
	for _, c := range h.Select(t) { // once: joining may change whom the filter means
		for _, g := range groups {
			h.Join(hub.Target{ConnectionID: c.ID}, g)
		}
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
	if subprotocol.CheckGroup(group) != nil {
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
	switch clientType := q.Get("clientType"); clientType {
	case "", "Default", "default":
	case "MQTT", "mqtt", "Mqtt":
		path = "/clients/mqtt/hubs/"
	default:
		writeProblem(w, "clientType", "The field clientType must be Default or MQTT.")
		return
	}
	audience := a.Bases(r)[0] + path + r.PathValue("hub")
	text, err := a.Keys.Make(audience, time.Duration(minutes)*time.Minute, q.Get("userId"), q["role"], q["group"])
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"token": text})
}
