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
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// Protocol is a subprotocol of the service.
type Protocol uint8

// The subprotocols that a [Client] speaks.
const (
	// ProtocolJSONReliable (json.reliable.webpubsub.azure.v1) numbers messages and
	// recovers connections. No message is lost when the network fails.
	ProtocolJSONReliable Protocol = iota
	// ProtocolJSON (json.webpubsub.azure.v1) does neither.
	ProtocolJSON
	// ProtocolProtobufReliable (protobuf.reliable.webpubsub.azure.v1) is
	// ProtocolJSONReliable with frames in protobuf: binary payloads are not in base64.
	// Messages do not name their sender: [GroupMessage.FromUserID] is empty.
	ProtocolProtobufReliable
	// ProtocolProtobuf (protobuf.webpubsub.azure.v1) neither numbers messages nor
	// recovers connections.
	ProtocolProtobuf
)

// String returns the name on the wire.
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
	case ProtocolProtobufReliable:
		return frame.ProtobufCodec{IsReliable: true}
	case ProtocolProtobuf:
		return frame.ProtobufCodec{}
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
// service sends pings every 20 seconds by default, and at least every 2 minutes.
const passiveTimeout = 2 * time.Minute

// Backoff is the time between attempts. It doubles with each attempt and varies by
// up to 50 percent at random, so that clients that lost the service together do not
// all return at the same time.
type Backoff struct {
	// Initial is the mean of the first wait. Zero is [DefaultBackoffInitial].
	Initial time.Duration
	// Max is the longest mean. Zero is [DefaultBackoffMax], or Initial if longer.
	Max time.Duration
	// MaxRetries is the number of retries after the first attempt. Zero is the
	// default of the option: [DefaultMessageRetries] or [UnlimitedRetries].
	// [NoRetries] makes one attempt.
	MaxRetries int
}

// Values of [Backoff.MaxRetries].
const (
	NoRetries        = -1
	UnlimitedRetries = math.MaxInt
)

// Options are the options of a [Client]. Nil and the zero value are the defaults.
type Options struct {
	// Protocol is the subprotocol. Zero is [ProtocolJSONReliable].
	Protocol Protocol
	// DisableAutoReconnect stops the client when a lost connection is not
	// recovered.
	DisableAutoReconnect bool
	// DisableAutoRejoin does not rejoin the client's groups on a new connection, nor
	// restore their states.
	DisableAutoRejoin bool
	// MessageRetry controls the retries of requests that the service has refused
	// for a temporary reason, [DefaultMessageRetries] by default.
	MessageRetry Backoff
	// Reconnect controls the attempts to make a new connection, without limit by
	// default. When the last attempt fails, the client stops.
	Reconnect Backoff
	// RecoveryTimeout limits the time that the client tries to recover a lost
	// connection before it makes a new one. Zero is [DefaultRecoveryTimeout], which
	// is also the maximum: the service keeps a lost connection no longer.
	RecoveryTimeout time.Duration
	// RetrySends sends messages and events again on a new connection if the old one
	// was lost before their acks arrived. They may then arrive twice, because the
	// service remembers ack ids by connection. By default they fail with
	// [ErrConnectionLost].
	RetrySends bool
	// MaxInFlight limits the requests that wait for an ack, counted from the oldest
	// one. More calls wait until that one is answered or their context ends. The
	// service remembers the last 1000 requests of a connection. The limit keeps a
	// request that is sent again after a recovery among them, so that the service
	// carries it out once.
	//
	// The limit bounds the throughput to MaxInFlight requests per round trip to the
	// service: 10,000 a second at 50 ms. It does not apply to FireAndForget and
	// InvokeEvent. Zero is [DefaultMaxInFlight], which is also the maximum.
	MaxInFlight int
	// KeepAliveInterval is the time between pings. Zero is
	// [DefaultKeepAliveInterval], or two thirds of a KeepAliveTimeout that is
	// shorter than 15 seconds. If it is negative, the client sends no pings.
	//
	// A ping and its answer take about 240 bytes with TLS and TCP. By default that
	// is 6 pings and 1.4 kB a minute, or 2 MB a day. On a phone they keep the radio
	// awake.
	KeepAliveInterval time.Duration
	// KeepAliveTimeout is the time without any frame from the service after which
	// the client drops the WebSocket and recovers the connection. The client
	// notices up to a third of it later. Zero is [DefaultKeepAliveTimeout], or one
	// and a half times a KeepAliveInterval that is longer than 10 seconds, or 2
	// minutes without pings. If it is negative, there is no timeout. It must be
	// longer than KeepAliveInterval.
	//
	// The service keeps a lost connection for 30 seconds. By default the client
	// notices a silent network within 15 to 20 seconds, and loses no message. With
	// a timeout of more than 20 seconds it may return too late.
	KeepAliveTimeout time.Duration
	// QueueSize is the number of messages that wait for callbacks and iterators
	// before the client stops reading, which it also does at 16 MiB. Zero is
	// [DefaultQueueSize].
	QueueSize int
	// HTTPClient makes the connections. Nil uses http.DefaultTransport. Redirects
	// are not followed, because the client URL is a secret.
	HTTPClient *http.Client
	// Header is sent with each handshake. User-Agent defaults to the name and
	// version of this package.
	Header http.Header
	// OnError is called in turn with the other callbacks, with errors that no
	// operation can return: a [*PanicError], a [*DecodeError], an invalid frame, or
	// a failed attempt to reconnect. If it is nil, the client logs them.
	OnError func(ctx context.Context, err error)
	// Logger logs connections and errors. Nil discards them.
	Logger *slog.Logger
	// Trace has functions that the client calls when something happens, for metrics and
	// traces. The client copies it. Nil calls none.
	Trace *Trace
}

// valueOf returns the value that opts points to, or the zero value for nil.
func valueOf[T any](opts *T) (value T) {
	if opts != nil {
		value = *opts
	}
	return value
}

// String returns the subprotocol, but not the header, which may contain secrets.
func (o Options) String() string { return fmt.Sprintf("client.Options(%v)", o.Protocol) }

// Format writes [Options.String] for every verb.
func (o Options) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, o.String()) }

// LogValue returns [Options.String].
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// complete checks the options, sets the defaults and copies the header.
func (o *Options) complete() error {
	switch {
	case o.Protocol.codec() == nil:
		return fmt.Errorf("Protocol is %v, want ProtocolJSONReliable, ProtocolJSON, ProtocolProtobufReliable or ProtocolProtobuf", o.Protocol)
	case o.RecoveryTimeout < 0 || o.RecoveryTimeout > DefaultRecoveryTimeout:
		return fmt.Errorf("RecoveryTimeout is %v, want 0 to %v", o.RecoveryTimeout, DefaultRecoveryTimeout)
	case o.MaxInFlight < 0 || o.MaxInFlight > DefaultMaxInFlight:
		return fmt.Errorf("MaxInFlight is %d, want 0 to %d: the service would forget requests that wait for their ack", o.MaxInFlight, DefaultMaxInFlight)
	case o.QueueSize < 0:
		return fmt.Errorf("QueueSize is %d, want 0 or more", o.QueueSize)
	}
	header := make(http.Header, len(o.Header))
	for name, values := range o.Header {
		name = http.CanonicalHeaderKey(name)
		if strings.HasPrefix(name, "Sec-Websocket-") || name == "Connection" || name == "Upgrade" {
			return fmt.Errorf("Header has %s, which belongs to the handshake", excerpt.Name(name))
		}
		header[name] = append(header[name], values...)
	}
	o.Header = header
	if err := cmp.Or(
		o.completeKeepAlive(),
		o.MessageRetry.complete("MessageRetry", DefaultMessageRetries),
		o.Reconnect.complete("Reconnect", UnlimitedRetries),
	); err != nil {
		return err
	}
	o.RecoveryTimeout = cmp.Or(o.RecoveryTimeout, DefaultRecoveryTimeout)
	o.MaxInFlight = cmp.Or(o.MaxInFlight, DefaultMaxInFlight)
	o.QueueSize = cmp.Or(o.QueueSize, DefaultQueueSize)
	o.HTTPClient = cmp.Or(o.HTTPClient, new(http.Client))
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	trace := valueOf(o.Trace)
	o.Trace = &trace
	return nil
}

// completeKeepAlive sets a missing keep-alive time to suit the other one. A client
// that pings too seldom would drop healthy connections.
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

// start returns the waits from the first on.
func (b *Backoff) start() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: b.Initial, MaxInterval: b.Max, Multiplier: 2, RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
}
