package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// Protocol is a subprotocol of the service.
type Protocol uint8

// The subprotocols that a [Client] speaks.
const (
	// ProtocolJSONReliable (json.reliable.webpubsub.azure.v1) numbers messages and
	// recovers connections, so that a network that fails loses none.
	ProtocolJSONReliable Protocol = iota
	// ProtocolJSON (json.webpubsub.azure.v1) does neither.
	ProtocolJSON
)

// String gives the name on the wire.
func (p Protocol) String() string {
	if c := p.codec(); c != nil {
		return c.Name()
	}
	return fmt.Sprintf("Protocol(%d)", uint8(p))
}

func (p Protocol) codec() frame.Codec {
	switch p {
	case ProtocolJSONReliable:
		return frame.JSONCodec{IsReliable: true}
	case ProtocolJSON:
		return frame.JSONCodec{}
	}
	return nil
}

// Defaults of [Options].
const (
	DefaultKeepAliveInterval = 10 * time.Second
	DefaultKeepAliveTimeout  = 15 * time.Second
	DefaultRecoveryTimeout   = 30 * time.Second
	DefaultMaxInFlight       = 500
	DefaultQueueSize         = 1000
	DefaultMessageRetries    = 3
	DefaultBackoffInitial    = time.Second
	DefaultBackoffMax        = 30 * time.Second
)

// passiveTimeout is the keep-alive timeout of a client that sends no pings. The
// service sends its own at least every 2 minutes, every 20 seconds by default.
const passiveTimeout = 2 * time.Minute

// Backoff is how long to wait before something is tried again: twice as long each
// time, give or take a half at random, so that clients who lost the service
// together do not come back together.
type Backoff struct {
	// Initial is the mean of the first wait. Zero is a second.
	Initial time.Duration
	// Max is the longest mean. Zero is 30 seconds, or Initial if that is longer.
	Max time.Duration
	// MaxRetries is the number of retries after the first attempt. Zero is the
	// default of the option, [NoRetries] is none, and [UnlimitedRetries] has no limit.
	MaxRetries int
}

// Values of [Backoff.MaxRetries].
const (
	NoRetries        = -1
	UnlimitedRetries = math.MaxInt
)

// Options of a [Client]. Nil and the zero value are the defaults.
type Options struct {
	// Protocol is the subprotocol. Zero is [ProtocolJSONReliable].
	Protocol Protocol
	// DisableAutoReconnect ends the client when its connection is lost and cannot
	// be recovered, as if it had been stopped.
	DisableAutoReconnect bool
	// DisableAutoRejoin leaves a new connection without the groups that the client
	// had joined.
	DisableAutoRejoin bool
	// MessageRetry is how often a request that was refused for a reason that may
	// pass is sent again, by default [DefaultMessageRetries] times.
	MessageRetry Backoff
	// Reconnect is how often a new connection is tried, by default [UnlimitedRetries].
	// The client stops when the last attempt has failed.
	Reconnect Backoff
	// RecoveryTimeout is how long a connection that was lost is looked for, before a
	// new one is made. Zero is [DefaultRecoveryTimeout], which is as long as the
	// service keeps it, and the most.
	RecoveryTimeout time.Duration
	// RetrySends sends messages and events again on a new connection if the old
	// one was lost before their ack came. By default such a send fails with
	// [ErrConnectionLost], because it could arrive twice: what the service
	// remembers of a request ends with the connection.
	RetrySends bool
	// MaxInFlight bounds the requests that wait for an ack, counted from the oldest one.
	// Further calls wait until that one is answered or their context ends. The service
	// remembers the last 1000 requests of a connection. The bound keeps a request that
	// is sent again after a recovery among them, so that it is carried out once.
	//
	// It limits the throughput to MaxInFlight requests per round trip to the service:
	// 10,000 a second at 50 ms. FireAndForget and InvokeEvent are not bounded.
	// Zero is [DefaultMaxInFlight], which is also the most.
	MaxInFlight int
	// KeepAliveInterval is the time between pings. Zero is [DefaultKeepAliveInterval],
	// or two thirds of a KeepAliveTimeout that is shorter than 15 seconds. Negative
	// sends none.
	//
	// A ping and its answer take some 240 bytes with TLS and TCP: by default 6 pings
	// and 1.4 kB a minute, 2 MB a day. On a phone they keep the radio awake.
	KeepAliveInterval time.Duration
	// KeepAliveTimeout is how long the service may be silent. After that, and within a
	// third more, the client drops the link and recovers the connection. Zero is
	// [DefaultKeepAliveTimeout], or one and a half times a KeepAliveInterval that is
	// longer than 10 seconds, or 2 minutes without pings. Negative waits for ever. It
	// has to be longer than KeepAliveInterval.
	//
	// The service keeps a lost connection for 30 seconds. By default the client notices
	// a silent network after 15 to 20, and no message is lost. With a timeout above 20
	// seconds it may come back too late.
	KeepAliveTimeout time.Duration
	// QueueSize is how many messages wait for callbacks and iterators before the
	// client stops reading, which 16 MiB of them make it do as well. Zero is
	// [DefaultQueueSize].
	QueueSize int
	// HTTPClient makes the connections. Nil is a client of http.DefaultTransport.
	// Redirects are not followed: the address is a secret.
	HTTPClient *http.Client
	// Header is sent with each handshake.
	Header http.Header
	// OnError gets what no operation can return, in turn with the other callbacks:
	// a [*PanicError], a [*DecodeError], an invalid frame, a connection that
	// cannot be made again. Nil: it is logged.
	OnError func(ctx context.Context, err error)
	// Logger says what happens. Nil is silent.
	Logger *slog.Logger
}

// valueOf returns what opts points to. For nil it returns the zero value.
func valueOf[T any](opts *T) (value T) {
	if opts != nil {
		value = *opts
	}
	return value
}

// String returns the subprotocol, and nothing of the header, which may hold secrets.
func (o Options) String() string { return fmt.Sprintf("client.Options(%v)", o.Protocol) }

// Format is String, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// LogValue is String.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// complete checks the options, fills in the defaults and takes copies.
func (o *Options) complete() error {
	switch {
	case o.Protocol.codec() == nil:
		return fmt.Errorf("Protocol is %v, want ProtocolJSONReliable or ProtocolJSON", o.Protocol)
	case o.RecoveryTimeout < 0 || o.RecoveryTimeout > DefaultRecoveryTimeout:
		return fmt.Errorf("RecoveryTimeout is %v, want 0 to %v", o.RecoveryTimeout, DefaultRecoveryTimeout)
	case o.MaxInFlight < 0 || o.MaxInFlight > DefaultMaxInFlight:
		return fmt.Errorf("MaxInFlight is %d, want 0 to %d: the service would forget requests that wait for their ack", o.MaxInFlight, DefaultMaxInFlight)
	case o.QueueSize < 0:
		return fmt.Errorf("QueueSize is %d, want 0 or more", o.QueueSize)
	}
	if err := o.completeKeepAlive(); err != nil {
		return err
	}
	if err := o.MessageRetry.complete("MessageRetry", DefaultMessageRetries); err != nil {
		return err
	}
	if err := o.Reconnect.complete("Reconnect", UnlimitedRetries); err != nil {
		return err
	}
	for name := range o.Header {
		if err := checkHeader(name); err != nil {
			return err
		}
	}
	o.Header = o.Header.Clone()
	o.RecoveryTimeout = cmp.Or(o.RecoveryTimeout, DefaultRecoveryTimeout)
	o.MaxInFlight = cmp.Or(o.MaxInFlight, DefaultMaxInFlight)
	o.QueueSize = cmp.Or(o.QueueSize, DefaultQueueSize)
	o.HTTPClient = cmp.Or(o.HTTPClient, new(http.Client))
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	return nil
}

// completeKeepAlive fills in each of the two times to suit the other: a client that
// pings too seldom would drop links that are in order.
func (o *Options) completeKeepAlive() error {
	interval, timeout := &o.KeepAliveInterval, &o.KeepAliveTimeout
	if *interval == 0 {
		*interval = DefaultKeepAliveInterval
		if *timeout > 0 {
			*interval = min(*interval, *timeout*2/3)
		}
	}
	switch {
	case *timeout == 0 && *interval < 0:
		*timeout = passiveTimeout
	case *timeout == 0:
		*timeout = max(DefaultKeepAliveTimeout, *interval+*interval/2)
	case *timeout > 0 && *timeout <= *interval:
		return fmt.Errorf("KeepAliveTimeout is %v, want more than KeepAliveInterval, which is %v", *timeout, *interval)
	}
	return nil
}

// checkHeader refuses the headers that are the handshake's own.
func checkHeader(name string) error {
	switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
	case strings.HasPrefix(canonical, "Sec-Websocket-"), canonical == "Connection", canonical == "Upgrade":
		return fmt.Errorf("Header has %s, which is the handshake's own", quote(canonical))
	}
	return nil
}

func (b *Backoff) complete(field string, retries int) error {
	switch {
	case b.Initial < 0:
		return fmt.Errorf("%s.Initial is %v, want 0 or more", field, b.Initial)
	case b.Max < 0:
		return fmt.Errorf("%s.Max is %v, want 0 or more", field, b.Max)
	case b.MaxRetries < NoRetries:
		return fmt.Errorf("%s.MaxRetries is %d, want 0 or more, NoRetries or UnlimitedRetries", field, b.MaxRetries)
	}
	b.Initial = cmp.Or(b.Initial, DefaultBackoffInitial)
	b.Max = cmp.Or(b.Max, max(DefaultBackoffMax, b.Initial))
	b.MaxRetries = cmp.Or(b.MaxRetries, retries)
	if b.Max < b.Initial {
		return errors.New(field + ".Max is less than Initial")
	}
	return nil
}

// start gives the waits, from the first.
func (b *Backoff) start() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: b.Initial, MaxInterval: b.Max, Multiplier: 2, RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
}
