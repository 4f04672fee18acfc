package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/go-webpubsub/webpubsub/forward"
)

// window is how long the stream remembers message ids. It covers the four deliveries of
// an event, for each of which the service waits up to 100 seconds.
const window = 10 * time.Minute

// JetStream sends events to a stream of NATS JetStream.
type JetStream struct {
	js      jetstream.JetStream
	subject string
}

// NewJetStream returns a sender to a stream, which it creates if there is none. All
// events are published on one subject, of the stream's name: names of events are chosen
// by clients and may have wildcards.
func NewJetStream(ctx context.Context, nc *nats.Conn, stream string) (*JetStream, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("JetStream: %w", err)
	}
	s, err := js.Stream(ctx, stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: stream, Subjects: []string{stream}, Duplicates: window})
	}
	if err != nil {
		return nil, fmt.Errorf("stream %q: %w", stream, err)
	}
	if d := s.CachedInfo().Config.Duplicates; d < window {
		return nil, fmt.Errorf("stream %q remembers message ids for %v, want at least %v: set its duplicate window", stream, d, window)
	}
	return &JetStream{js: js, subject: stream}, nil
}

// Send publishes an event in the JSON format and waits until the stream has stored it.
// The stream drops an event whose message id it knows, and acknowledges it.
func (j *JetStream) Send(ctx context.Context, ev cloudevents.Event) cloudevents.Result {
	data, err := json.Marshal(ev)
	if err != nil {
		return err
	}
	msg := nats.NewMsg(j.subject)
	msg.Header.Set("Content-Type", cloudevents.ApplicationCloudEventsJSON)
	msg.Data = data
	if _, err := j.js.PublishMsg(ctx, msg, jetstream.WithMsgID(forward.MessageID(ev))); err != nil {
		return err
	}
	return cloudevents.ResultACK
}
