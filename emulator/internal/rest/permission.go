package rest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
)

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
