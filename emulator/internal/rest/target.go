package rest

import (
	"net/http"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

func group(r *http.Request) string { return r.PathValue("group") }

// member returns the connection or the connections of the user in the path.
func member(r *http.Request) hub.Target {
	return hub.Target{ConnectionID: r.PathValue("connection"), UserID: r.PathValue("user"), Cause: cause(r)}
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
