package client

import (
	"context"
	"sync"
)

// turns lets one request at a time change the membership of a group. Otherwise a
// join that is sent again after a recovery could pass a leave, and both succeed.
// The zero turns is ready for use.
type turns struct {
	mu     sync.Mutex
	groups map[string]*turn
}

type turn struct {
	taken chan struct{} // has an element while somebody has the turn
	users int           // those who have it or wait for it
}

// take waits for the turn of a group until the context ends.
func (t *turns) take(ctx context.Context, group string) error {
	t.mu.Lock()
	g := t.groups[group]
	if g == nil {
		if t.groups == nil {
			t.groups = make(map[string]*turn)
		}
		g = &turn{taken: make(chan struct{}, 1)}
		t.groups[group] = g
	}
	g.users++
	t.mu.Unlock()
	select {
	case g.taken <- struct{}{}:
		return nil
	default:
	}
	select {
	case g.taken <- struct{}{}:
		return nil
	case <-ctx.Done():
		t.drop(group, g)
		return ctx.Err()
	}
}

// pass ends the turn of a group.
func (t *turns) pass(group string) {
	t.mu.Lock()
	g := t.groups[group]
	t.mu.Unlock()
	<-g.taken
	t.drop(group, g)
}

func (t *turns) drop(group string, g *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if g.users--; g.users == 0 {
		delete(t.groups, group)
	}
}
