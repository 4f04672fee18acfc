package trigger

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// MaxData is the number of bytes of the largest payload that a client can send.
const MaxData = 1 << 20

// Target is an event handler and the service whose events it gets.
type Target struct {
	URL upstream.Template
	Hub string
	// Origins are the service's host names.
	Origins []string
	// Keys sign the events.
	Keys []string
	// Transport sends them; defaults to [http.DefaultTransport].
	Transport http.RoundTripper
	// Timeout for an answer; defaults to the service's.
	Timeout time.Duration
	// Now returns the time; defaults to [time.Now].
	Now func() time.Time
}

func (t *Target) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// Request returns the request of an event and its body.
func (t *Target) Request(ctx context.Context, c *Connection, ev *Event) (*http.Request, []byte, error) {
	if err := ev.Check(); err != nil {
		return nil, nil, err
	}
	if err := rule.CheckUser(c.UserID); err != nil {
		return nil, nil, fmt.Errorf("user: %w", err)
	}
	body, contentType, err := ev.body(c)
	if err != nil {
		return nil, nil, err
	}
	if len(body) > MaxData {
		return nil, nil, fmt.Errorf("data: %d bytes, want at most %d, as the service accepts from a client", len(body), MaxData)
	}
	typ, name := ev.typ()
	u, err := t.URL.Resolve(t.Hub, name)
	if err != nil {
		return nil, nil, err
	}
	out := upstream.Event{
		Origins: t.Origins, Keys: t.Keys, Hub: t.Hub,
		Type: typ, Name: name, ID: ev.ID, Time: t.now(), State: ev.State,
		ContentType: contentType, Body: body, Metadata: ev.Metadata, UserProperties: ev.UserProperties,
	}
	c.describe(&out, ev.Kind)
	if out.ID == "" {
		out.ID = c.EventID(typ)
	}
	if state, ok := c.State(); ok && out.State == nil {
		out.State = &state
	}
	req, err := out.Request(ctx, u.String())
	if err != nil {
		return nil, nil, err
	}
	c.AddCookies(req)
	if err := upstream.CheckHeader(req.Header); err != nil {
		return nil, nil, err
	}
	return req, body, nil
}

// Send sends an event once, without the service's retries, and applies the answer to
// the connection. The error is about the event; whatever the handler does is in the
// result.
func (t *Target) Send(ctx context.Context, c *Connection, ev *Event) (*Result, error) {
	req, _, err := t.Request(ctx, c, ev)
	if err != nil {
		return nil, err
	}
	out := newResult(t.Hub, ev, req)
	sender := upstream.Sender{Transport: upstream.Spelled{Next: t.Transport}}
	start := t.now()
	answer, err := sender.Send(ctx, req, cmp.Or(t.Timeout, upstream.EventTimeout))
	out.Took = t.now().Sub(start)
	if err != nil {
		out.noAnswer(req.URL, err)
		return out, nil
	}
	out.judge(c, ev, answer)
	if out.OK {
		if ev.Kind == Connect || ev.Kind == UserEvent {
			c.Keep(req.URL, answer)
		} else {
			c.KeepCookies(req.URL, answer)
		}
	}
	return out, nil
}
