package forward

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/protocol"

	"github.com/go-webpubsub/webpubsub"
)

// Sender sends an event and waits until its receiver has stored it. The method Send of
// a client of the CloudEvents SDK is a Sender.
//
// The result is an acknowledgement if it is nil or [protocol.IsACK] reports true. Any
// other result means that the event may not have been stored.
//
// A Sender returns soon after its context ends. One that does not may hold the answer
// back until the service stops waiting, after 100 seconds: the service does not deliver
// the event again then. A Sender may be called concurrently, and must not modify the
// event's data.
type Sender func(ctx context.Context, ev cloudevents.Event) protocol.Result

// Options are the options of [To].
type Options struct {
	// Select reports whether to send an event. Events that it does not select are
	// handled as usual. Nil selects all kinds but connect events: anyone who can reach
	// the service can raise those, and a connected event follows if the client is
	// accepted.
	Select func(ev webpubsub.Event) bool
	// HandleFirst sends an event after the inner interceptors and the function have
	// handled it. An event that they refuse is not sent. If the sender fails, the service
	// delivers the event again, and the function runs again.
	//
	// By default an event is sent first. The function runs after the acknowledgement, and
	// the receiver also gets events that the function refuses.
	HandleFirst bool
	// Timeout limits how long the Sender may take. Zero means [DefaultTimeout]. It is at
	// most [MaxTimeout]. If the function is slow, set a shorter Timeout or a
	// Config.HandlerTimeout: the service stops waiting for both after 100 seconds.
	Timeout time.Duration
	// MaxBytes is the length of the longest event that is sent: data, names and values of
	// attributes, before they are encoded. A longer event gets 413, which the service
	// does not repeat. In the JSON format binary data becomes a third longer. Zero means
	// [DefaultMaxBytes].
	MaxBytes int

	// IncludeState sends the connection state as the extension connectionstate.
	IncludeState bool
	// IncludeConnectBody sends the body of connect events: claims of the client's token,
	// query, which may have the token itself, headers with cookies, certificates, and the
	// password of an MQTT client. Otherwise the data of a connect event is a JSON object
	// that has only the client's subprotocols.
	IncludeConnectBody bool

	// TraceContext returns the trace context that is sent as the extensions traceparent
	// and tracestate, for example that of the current span. Nil means that of the
	// request's header. Values that the W3C recommendation does not allow are not sent.
	TraceContext func(ctx context.Context, ev webpubsub.Event) (traceparent, tracestate string)
}

// Defaults and limits of [Options].
const (
	DefaultTimeout  = 10 * time.Second
	MaxTimeout      = 90 * time.Second // the service waits 100 seconds for an answer
	DefaultMaxBytes = 1 << 20
)

// To returns an interceptor that sends events by a Sender before they are answered, or an
// error that names the invalid field. Nil opts means the zero Options.
//
// An event gets 503 if the sender does not acknowledge it in time, and 500 if the sender
// panics. The service then delivers it again, with the same [MessageID].
//
// Place the interceptor after those that refuse events. With a
// [webpubsub.Deduplication], repeats of an event that succeeded are not sent again.
func To(sender Sender, opts *Options) (webpubsub.Interceptor, error) {
	if sender == nil {
		return nil, errors.New("forward: sender is nil: pass the method Send of a CloudEvents client")
	}
	f := &forwarder{sender: sender}
	if opts != nil {
		f.Options = *opts
	}
	switch {
	case f.Timeout == 0:
		f.Timeout = DefaultTimeout
	case f.Timeout < 0 || f.Timeout > MaxTimeout:
		return nil, fmt.Errorf("forward: Timeout is %v, want 0 for %v, or at most %v: the service waits 100 seconds", f.Timeout, DefaultTimeout, MaxTimeout)
	}
	switch {
	case f.MaxBytes == 0:
		f.MaxBytes = DefaultMaxBytes
	case f.MaxBytes < 0:
		return nil, fmt.Errorf("forward: MaxBytes is %d, want 0 for %d, or more", f.MaxBytes, DefaultMaxBytes)
	}
	if f.Select == nil {
		f.Select = notConnect
	}
	if f.TraceContext == nil {
		f.TraceContext = received
	}
	return f.intercept, nil
}

func notConnect(ev webpubsub.Event) bool {
	_, connect := ev.(*webpubsub.ConnectEvent)
	return !connect
}

type forwarder struct {
	sender Sender
	Options
}

func (f *forwarder) intercept(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
	if !f.Select(ev) {
		return next(ctx)
	}
	out, err := f.message(ctx, ev)
	if err != nil {
		return err
	}
	if !f.HandleFirst {
		if err := f.send(ctx, out); err != nil {
			return err
		}
		return next(ctx)
	}
	if err := next(ctx); err != nil {
		return err
	}
	return f.send(ctx, out)
}

func (f *forwarder) send(ctx context.Context, out cloudevents.Event) error {
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	if result := f.sender(ctx, out); !protocol.IsACK(result) {
		return webpubsub.Unavailable("the event could not be forwarded").WithCause(withoutURL(result))
	}
	return nil
}

// withoutURL returns the error of a request without its URL, which may contain a key.
func withoutURL(err error) error {
	var request *url.Error
	if errors.As(err, &request) {
		return fmt.Errorf("forward: %w", request.Err)
	}
	return fmt.Errorf("forward: %w", err)
}
