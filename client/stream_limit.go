package client

import (
	"fmt"
	"time"
)

const (
	// refusalPause is how long a refusal holds for a user and a group, unless a stream
	// begins or ends: to look at all streams for each piece would cost too much.
	refusalPause = time.Second
	// reportPause lies between two reports of streams that are passed over.
	reportPause = time.Minute
)

// refusals are the users and groups for whose streams there was no room.
type refusals struct {
	since    time.Time
	of       map[streamKey]struct{} // with no id
	reported time.Time
}

func (r *refusals) has(key streamKey) bool {
	if len(r.of) == 0 || time.Since(r.since) >= refusalPause {
		r.forget()
		return false
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

// admit reports whether there is room for one more stream, and makes it if that is
// fair.
func (x *streams) admit(key streamKey) bool {
	if len(x.open) < maxStreams {
		return true
	}
	if x.refused.has(key) {
		return false
	}
	if in := x.yields(key); in != nil {
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
		x.d.report(x.d.callbacks, fail(opStream, fmt.Errorf("%w: one of user %s to group %s is dropped", ErrTooManyStreams, quote(x.d.secrets.excerpt(key.user)), quote(x.d.secrets.excerpt(key.group)))))
	}
	return false
}

// yields returns the stream whose place a new one takes, or nil.
//
// It is the quietest stream of the user who has the most of them, in that one's
// group with the most, so that nobody can shut others out. That user has to have at
// least two more than the new stream's user. If there is one more, or if the two
// are the same, as users without a name are, the group has to have two more.
func (x *streams) yields(to streamKey) *inbound {
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
		if out == nil {
			out = in
			continue
		}
		switch u, g := users[key.user]-users[out.key.user], groups[key.group]-groups[out.key.group]; {
		case u > 0, u == 0 && g > 0, u == 0 && g == 0 && in.heard.Before(out.heard):
			out = in
		}
	}
	return out
}

// sweep forgets streams that have been silent for so long that they have ended,
// and reports whether there were any.
func (x *streams) sweep() bool {
	n := len(x.open)
	for key, in := range x.open {
		if time.Since(in.heard) > DefaultStreamIdle {
			delete(x.open, key)
			x.finish(in, &Error{Name: nameIdleTimeout, Message: "the stream is silent"})
		}
	}
	return len(x.open) < n
}
