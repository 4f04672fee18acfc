package client

import (
	"cmp"
	"fmt"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	// refusalPause is the time for which a refusal holds for a user and a group,
	// unless a stream begins or ends. Searching all streams for each piece is
	// expensive.
	refusalPause = time.Second
	// reportPause is the time between two reports of dropped streams.
	reportPause = time.Minute
)

// refusals are the users and groups whose streams were dropped.
type refusals struct {
	since    time.Time
	of       map[streamKey]struct{} // with no id
	reported time.Time
}

func (r *refusals) has(key streamKey) bool {
	if time.Since(r.since) >= refusalPause {
		r.forget()
	}
	_, has := r.of[streamKey{group: key.group, user: key.user}]
	return has
}

func (r *refusals) add(key streamKey) {
	if r.of == nil {
		r.of = make(map[streamKey]struct{})
	}
	if len(r.of) == 0 || len(r.of) >= maxStreams {
		r.forget()
		r.since = time.Now()
	}
	r.of[streamKey{group: key.group, user: key.user}] = struct{}{}
}

func (r *refusals) forget() { clear(r.of) }

// admit reports whether a new stream is received. If there are too many, it drops
// another stream if that is fair.
func (x *streams) admit(key streamKey) bool {
	if len(x.open) < maxStreams {
		return true
	}
	if x.refused.has(key) {
		return false
	}
	if in := x.replaced(key); in != nil {
		delete(x.open, in.key)
		x.finish(in, ErrTooManyStreams)
		return true
	}
	if x.sweep() {
		return true
	}
	x.refused.add(key)
	if now := time.Now(); x.refused.reported.IsZero() || now.Sub(x.refused.reported) >= reportPause {
		x.refused.reported = now
		x.d.report(x.d.callbacks, fail(opStream, fmt.Errorf("%w: dropped one of user %s to group %s", ErrTooManyStreams, excerpt.Name(x.d.secrets.excerpt(key.user)), excerpt.Name(x.d.secrets.excerpt(key.group)))))
	}
	return false
}

// replaced returns the stream that a new one replaces, or nil.
//
// It is the stream that has been quiet the longest, of the user with the most
// streams, in the group with the most of them. The user must have at least two
// streams more than the user of the new one. If the difference is one, or if the
// user is the same (as for all clients without a user), the group must have two
// more than the new stream's group. So nobody can keep others out.
func (x *streams) replaced(to streamKey) *inbound {
	users, groups := make(map[string]int), make(map[string]int)
	for key := range x.open {
		users[key.user]++
		groups[key.group]++
	}
	var out *inbound
	for key, in := range x.open {
		byUser, byGroup := users[key.user]-users[to.user], groups[key.group]-groups[to.group]
		if byUser < 2 && (byUser != 1 && key.user != to.user || byGroup < 2) {
			continue
		}
		if out == nil || cmp.Or(users[key.user]-users[out.key.user], groups[key.group]-groups[out.key.group], out.heard.Compare(in.heard)) > 0 {
			out = in
		}
	}
	return out
}

// sweep forgets streams that have been silent for so long that they have ended. It
// reports whether there were any.
func (x *streams) sweep() bool {
	n := len(x.open)
	for key, in := range x.open {
		if time.Since(in.heard) > DefaultStreamIdle {
			delete(x.open, key)
			x.finish(in, &Error{Name: nameIdleTimeout, Message: "the stream was silent for too long"})
		}
	}
	return len(x.open) < n
}
