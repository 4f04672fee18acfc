package hub

import (
	"log/slog"
	"sync"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// maxRoleWarnings is the number of roles that are logged as ignored.
const maxRoleWarnings = 32

// roleWarnings holds the ignored roles that have been logged.
type roleWarnings struct {
	mu     sync.Mutex
	logged map[string]struct{} // texts
}

// warn logs unknown roles, each once: clients receive no error for them until they need
// the permission.
func (rw *roleWarnings) warn(logger *slog.Logger, hubName, connectionID string, roles []string) {
	for _, text := range roles {
		r, err := rule.ParseRole(text)
		if err == nil || r.Scope == rule.GroupsMatched { // an invalid pattern is an error
			continue
		}
		if rw.isNew(err.Error()) {
			logger.Warn("role ignored; this is logged once for each role", "hub", hubName, "connection", connectionID, "reason", err.Error())
		}
	}
}

func (rw *roleWarnings) isNew(text string) bool {
	rw.mu.Lock()
	defer rw.mu.Unlock()
	if _, ok := rw.logged[text]; ok || len(rw.logged) == maxRoleWarnings {
		return false
	}
	if rw.logged == nil {
		rw.logged = make(map[string]struct{})
	}
	rw.logged[text] = struct{}{}
	return true
}
