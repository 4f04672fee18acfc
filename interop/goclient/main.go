// Command goclient runs package client for the JavaScript tests in this directory.
// Each line of standard input is a command in JSON; each line of standard output is
// an answer or an event of the client. It runs until standard input ends.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/go-webpubsub/webpubsub/client"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "goclient:", err)
		os.Exit(1)
	}
}

// command is a line of standard input.
type command struct {
	ID       int    `json:"id"` // of its answer
	Do       string `json:"do"`
	URL      string `json:"url"`
	Protocol string `json:"protocol"`
	Name     string `json:"name"` // of a group or an event
	Data     *data  `json:"data"`

	AckID         uint64            `json:"ackId"`
	NoEcho        bool              `json:"noEcho"`
	FireAndForget bool              `json:"fireAndForget"`
	Metadata      map[string]string `json:"metadata"`

	Stream  string `json:"stream"` // id
	IdleMS  int64  `json:"idleMs"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

// answer is a line of standard output: the result of a command, or an event.
type answer struct {
	ID    int      `json:"id,omitempty"`
	Event string   `json:"event,omitempty"`
	Error *failure `json:"error,omitempty"`

	AckID      uint64            `json:"ackId,omitempty"`
	Duplicate  bool              `json:"duplicate,omitempty"`
	Connection string            `json:"connection,omitempty"`
	User       string            `json:"user,omitempty"`
	Group      string            `json:"group,omitempty"`
	Stream     string            `json:"stream,omitempty"`
	Data       *data             `json:"data,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Message    string            `json:"message,omitempty"`
	CloseCode  int               `json:"closeCode,omitempty"`
}

// data is a payload: JSON as text, bytes in base64.
type data struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

func newData(d client.Data) *data { return &data{d.Type().String(), d.String()} }

func (d *data) payload() (client.Data, error) {
	if d == nil {
		return client.Data{}, nil
	}
	switch d.Type {
	case "text":
		return client.Text(d.Text), nil
	case "json":
		return client.RawJSON([]byte(d.Text)), nil
	}
	b, err := base64.StdEncoding.DecodeString(d.Text)
	switch {
	case err != nil:
		return client.Data{}, err
	case d.Type == "binary":
		return client.Binary(b), nil
	case d.Type == "protobuf":
		return client.Protobuf(b), nil
	}
	return client.Data{}, fmt.Errorf("unknown type of data %q", d.Type)
}

type failure struct {
	Text          string `json:"text"`
	Name          string `json:"name"`
	UserErrorCode string `json:"userErrorCode"`
	StatusCode    int    `json:"statusCode"`
	Forbidden     bool   `json:"forbidden"`
}

func newFailure(err error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{Text: err.Error(), Forbidden: errors.Is(err, client.ErrForbidden)}
	if e := (*client.Error)(nil); errors.As(err, &e) {
		f.Name, f.UserErrorCode, f.StatusCode = e.Name, e.UserErrorCode, e.StatusCode
	}
	return f
}

// driver runs commands.
type driver struct {
	client *client.Client

	mu      sync.Mutex
	out     *json.Encoder
	streams map[string]*client.StreamWriter
}

func run(stdin io.Reader, stdout io.Writer) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines := bufio.NewScanner(stdin)
	lines.Buffer(nil, 4<<20) // more than any frame
	d := &driver{out: json.NewEncoder(stdout), streams: make(map[string]*client.StreamWriter)}
	var running sync.WaitGroup
	for lines.Scan() {
		var c command
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		if c.Do == "start" {
			if err := d.open(c); err != nil {
				return err
			}
		}
		running.Go(func() {
			a, err := d.do(ctx, c)
			a.ID, a.Error = c.ID, newFailure(err)
			d.say(a)
		})
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if d.client == nil {
		return nil
	}
	err := d.client.Stop(ctx)
	running.Wait() // commands that wait end with the client
	return err
}

func (d *driver) say(a answer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.out.Encode(a) // the reader is gone
}

// open makes a client that writes all its events.
func (d *driver) open(c command) (err error) {
	opts := &client.Options{
		MessageRetry: client.Backoff{MaxRetries: client.NoRetries}, // so that a test sees each refusal
		Reconnect:    client.Backoff{Initial: 10 * time.Millisecond},
	}
	if c.Protocol == "json" {
		opts.Protocol = client.ProtocolJSON
	}
	opts.OnError = func(_ context.Context, err error) { d.say(answer{Event: "error", Error: newFailure(err)}) }
	if d.client, err = client.New(client.StaticURL(c.URL), opts); err != nil {
		return err
	}
	d.client.OnConnected(func(_ context.Context, ev client.ConnectedEvent) {
		d.say(answer{Event: "connected", Connection: ev.ConnectionID, User: ev.UserID})
	})
	d.client.OnRecovering(func(_ context.Context, ev client.RecoveringEvent) {
		d.say(answer{Event: "recovering", Connection: ev.ConnectionID})
	})
	d.client.OnRecovered(func(_ context.Context, ev client.RecoveredEvent) {
		d.say(answer{Event: "recovered", Connection: ev.ConnectionID})
	})
	d.client.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) {
		d.say(answer{Event: "disconnected", Connection: ev.ConnectionID, Message: ev.Message, CloseCode: ev.CloseCode})
	})
	d.client.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
		d.say(answer{Event: "group", Group: m.Group, User: m.FromUserID, Data: newData(m.Data), Metadata: m.Metadata})
	})
	d.client.OnServerMessage(func(_ context.Context, m *client.ServerMessage) {
		d.say(answer{Event: "server", Data: newData(m.Data), Metadata: m.Metadata})
	})
	d.client.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
		a := answer{Event: "stream", Group: s.Group(), Stream: s.ID(), User: s.FromUserID()}
		d.say(a)
		for piece, err := range s.Pieces() {
			if a.Event, a.Data, a.Error = "piece", newData(piece), newFailure(err); err == nil {
				d.say(a)
			}
		}
		a.Event, a.Data = "end", nil
		d.say(a)
	}, nil)
	return nil
}

func (d *driver) do(ctx context.Context, c command) (answer, error) {
	payload, err := c.Data.payload()
	if err != nil {
		return answer{}, err
	}
	if d.client == nil {
		return answer{}, errors.New("not started")
	}
	var result client.Result
	switch c.Do {
	case "start":
		err = d.client.Start(ctx)
		return answer{Connection: d.client.ConnectionID(), User: d.client.UserID()}, err
	case "stop":
		return answer{}, d.client.Stop(ctx)
	case "join":
		result, err = d.client.JoinGroup(ctx, c.Name, &client.GroupOptions{AckID: c.AckID})
	case "leave":
		result, err = d.client.LeaveGroup(ctx, c.Name, &client.GroupOptions{AckID: c.AckID})
	case "send":
		result, err = d.client.SendToGroup(ctx, c.Name, payload, &client.SendOptions{
			NoEcho: c.NoEcho, FireAndForget: c.FireAndForget, AckID: c.AckID, Metadata: c.Metadata,
		})
	case "event":
		result, err = d.client.SendEvent(ctx, c.Name, payload, &client.EventOptions{
			FireAndForget: c.FireAndForget, AckID: c.AckID, Metadata: c.Metadata,
		})
	case "invoke":
		got, err := d.client.InvokeEvent(ctx, c.Name, payload, nil)
		return answer{Data: newData(got)}, err
	default:
		return answer{Stream: c.Stream}, d.stream(ctx, c, payload)
	}
	return answer{AckID: result.AckID, Duplicate: result.Duplicate}, err
}

// stream runs the commands for a stream that the client sends.
func (d *driver) stream(ctx context.Context, c command, payload client.Data) error {
	if c.Do == "open" {
		w, err := d.client.OpenGroupStream(ctx, c.Name, &client.StreamWriterOptions{
			StreamID: c.Stream, NoEcho: c.NoEcho, IdleTimeout: time.Duration(c.IdleMS) * time.Millisecond,
		})
		d.mu.Lock()
		defer d.mu.Unlock()
		d.streams[c.Stream] = w
		return err
	}
	d.mu.Lock()
	w := d.streams[c.Stream]
	d.mu.Unlock()
	switch {
	case w == nil:
		return fmt.Errorf("no stream %q", c.Stream)
	case c.Do == "write":
		return w.Write(ctx, payload)
	case c.Do == "close":
		return w.Close(ctx)
	case c.Do == "abort":
		w.Abort(c.Code, c.Message)
		return nil
	case c.Do == "done":
		<-w.Done()
		return w.Err()
	}
	return fmt.Errorf("unknown command %q", c.Do)
}
