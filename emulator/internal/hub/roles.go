package hub

import (
	"context"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// maxRoleWarnings bounds the roles that are remembered to have been logged.
const maxRoleWarnings = 32

// roleWarnings are the roles that have been logged as ignored.
type roleWarnings struct {
	mu     sync.Mutex
	logged map[string]struct{} // by what was logged, which is bounded
}

// warn logs roles that are none of the service's, each once: a client with such a
// role gets no error before it is forbidden what the role was for.
func (rw *roleWarnings) warn(ctx context.Context, stream *trace.Stream, client trace.Client, roles []string) {
	for _, text := range roles {
		r, err := rule.ParseRole(text)
		if err == nil || r.Scope == rule.GroupsMatched { // a wrong pattern is refused
			continue
		}
		if rw.isNew(err.Error()) {
			trace.Emit(ctx, stream, trace.RoleIgnored{Client: client, Reason: err.Error()})
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
