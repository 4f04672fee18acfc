package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// storeTimeout is the deadline of a call of the Store for an event.
const storeTimeout = 5 * time.Second

// Intercept records connected, joined, left and disconnected events of the tracker's hub in
// the Store, and then handles the event: its function finds the Store up to date. It is a
// [webpubsub.Interceptor]. It makes one call of the Store for such an event, and none for
// others. The call is not canceled with the request.
//
// If the Store fails, [Config.RepeatIfStoreFails] decides what happens. An event with a name
// that a [Store] does not accept is logged, handled and not recorded.
func (t *Tracker) Intercept(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
	e, ok := eventOf(ev, time.Now())
	if !ok || !strings.EqualFold(ev.EventMeta().Hub, t.cfg.Hub) {
		return next(ctx)
	}
	err := checkEvent(e)
	if err != nil {
		t.log(ctx, slog.LevelWarn, "an event is not recorded", ev, err)
		return next(ctx)
	}
	if err = t.apply(ctx, e); err != nil {
		t.log(ctx, slog.LevelError, "an event is not recorded", ev, err)
		if t.cfg.RepeatIfStoreFails {
			return &webpubsub.Error{Status: http.StatusServiceUnavailable, Err: fmt.Errorf("presence: %w", err)}
		}
	}
	return next(ctx)
}

// apply records an event and wakes watchers.
func (t *Tracker) apply(ctx context.Context, e Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	if err := t.cfg.Store.Apply(ctx, t.cfg.Hub, e, t.cfg.Lease, t.cfg.TTL); err != nil {
		return err
	}
	t.watchers.wake(e)
	return nil
}

// eventOf returns the event for the Store. It reports false for kinds that say nothing about
// presence.
func eventOf(ev webpubsub.Event, now time.Time) (Event, bool) {
	var e Event
	switch ev := ev.(type) {
	case *webpubsub.ConnectedEvent:
		e.Kind = webpubsub.EventKindConnected
	case *webpubsub.GroupJoinedEvent:
		e.Kind, e.Group = webpubsub.EventKindGroupJoined, ev.Group
	case *webpubsub.GroupLeftEvent:
		e.Kind, e.Group = webpubsub.EventKindGroupLeft, ev.Group
	case *webpubsub.DisconnectedEvent:
		e.Kind = webpubsub.EventKindDisconnected
	default:
		return e, false
	}
	m := ev.EventMeta()
	e.Member = Member{ConnectionID: m.ConnectionID, UserID: m.UserID}
	if m.MQTT != nil {
		e.Member.SessionID = m.MQTT.SessionID
		if e.Member.SessionID == "" { // as in a connect event
			e.Member.SessionID = m.MQTT.PhysicalConnectionID
		}
	}
	e.Order = orderOf(m, e.Kind, now)
	return e, true
}

// checkEvent returns an error unless a Store accepts the names of an event. It shows none of
// them.
func checkEvent(e Event) error {
	if e.Kind == webpubsub.EventKindGroupJoined || e.Kind == webpubsub.EventKindGroupLeft {
		if rule.AcceptGroup(e.Group) != nil {
			return errors.New("its group is not a valid name")
		}
	}
	return checkMember(e.Member)
}

func checkMember(m Member) error {
	for _, name := range []struct{ what, value string }{
		{"connection id", m.ConnectionID}, {"session id", m.SessionID}, {"user id", m.UserID},
	} {
		if len(name.value) > MaxNameBytes || !utf8.ValidString(name.value) || strings.ContainsFunc(name.value, unicode.IsControl) {
			return fmt.Errorf("its %s is not UTF-8 of at most %d bytes without control characters", name.what, MaxNameBytes)
		}
	}
	return nil
}

func (t *Tracker) log(ctx context.Context, level slog.Level, message string, ev webpubsub.Event, err error) {
	attrs := append(ev.EventMeta().LogValue().Group(), slog.String("error", excerpt.Line(err.Error(), maxErrorText)))
	t.cfg.Logger.LogAttrs(ctx, level, "presence: "+message, attrs...)
}

const maxErrorText = 1 << 10
