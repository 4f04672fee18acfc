package hub

import (
	"context"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// maxRoleWarnings is the number of roles that are recorded as ignored.
const maxRoleWarnings = 32

// roleWarnings holds the ignored roles that have been recorded.
type roleWarnings struct {
	mu     sync.Mutex
	logged map[string]struct{} // texts
}

// warn records unknown roles, each once: clients receive no error for them until they need
// the permission.
func (rw *roleWarnings) warn(ctx context.Context, stream *trace.Stream, client trace.Client, roles []string) {
	for _, text := range roles {
		r, err := rule.ParseRole(text)
		if err == nil || r.Scope == rule.GroupsMatched { // an invalid pattern is an error
			continue
		}
		if rw.isNew(err.Error()) {
			trace.Emit(ctx, stream, trace.ClientRecord{Kind: trace.KindRoleIgnored, Client: client, Reason: err.Error()})
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
