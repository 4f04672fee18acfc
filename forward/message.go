package forward

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/go-webpubsub/webpubsub"
)

const extensionState = "connectionstate"

// MessageID returns an id for the message of an event: source, slash, id. It is the same
// for all deliveries of the event, and no other event has it. Use it as the message id
// of a queue that drops duplicates.
func MessageID(ev cloudevents.Event) string { return ev.Source() + "/" + ev.ID() }

// message returns what is sent of an event.
func (f *forwarder) message(ctx context.Context, ev webpubsub.Event) (cloudevents.Event, error) {
	out, err := ev.CloudEvent()
	if err != nil {
		return out, err
	}
	if !f.IncludeState {
		out.SetExtension(extensionState, nil)
	}
	if connect, ok := ev.(*webpubsub.ConnectEvent); ok && !f.IncludeConnectBody {
		if out.DataEncoded, err = publicConnectBody(connect); err != nil {
			return out, err
		}
		out.DataBase64 = false
	}
	parent, state := f.TraceContext(ctx, ev)
	addTraceContext(&out, parent, state)
	if n := size(out); n > f.MaxBytes {
		return out, &webpubsub.Error{
			Status:  http.StatusRequestEntityTooLarge,
			Message: "the event is too long to be forwarded",
			Err:     fmt.Errorf("forward: event of %d bytes, MaxBytes is %d", n, f.MaxBytes),
		}
	}
	if f.HandleFirst { // the function may modify the data before it is sent
		out.DataEncoded = bytes.Clone(out.DataEncoded)
	}
	return out, nil
}

// publicConnectBody returns the data of a connect event without secrets.
func publicConnectBody(ev *webpubsub.ConnectEvent) ([]byte, error) {
	return json.Marshal(struct {
		Subprotocols []string `json:"subprotocols"`
	}{append([]string{}, ev.Subprotocols...)}) // [] rather than null
}

// size returns the length of an event's data and attributes. All extensions of an event
// from a handler are strings.
func size(ev cloudevents.Event) int {
	n := len(ev.DataEncoded) + len(ev.ID()) + len(ev.Source()) + len(ev.Type()) + len(ev.DataContentType())
	for name, v := range ev.Extensions() {
		text, _ := v.(string)
		n += len(name) + len(text)
	}
	return n
}
