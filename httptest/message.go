package httptest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/protoany"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Message is the payload of a user event, or the answer to one.
type Message struct {
	// DataType is the kind of the payload.
	DataType webpubsub.DataType
	// ContentType is its media type. In a message to send, it defaults to the type
	// that the service writes for DataType.
	ContentType string
	// Data is the payload.
	Data []byte
	// Metadata of the message, names in lower case.
	Metadata map[string]string
}

// Text returns the payload as a string.
func (m *Message) Text() string { return string(m.Data) }

// JSON decodes the payload into the value that v points to.
func (m *Message) JSON(v any) error {
	if m.DataType != webpubsub.DataJSON {
		return fmt.Errorf("httptest: message is %v, want json", m.DataType)
	}
	if err := json.Unmarshal(m.Data, v); err != nil {
		return fmt.Errorf("httptest: decode message: %w", err)
	}
	return nil
}

// ProtobufMessage returns the type URL and the serialized form of the protobuf message
// in the payload.
func (m *Message) ProtobufMessage() (typeURL string, value []byte, err error) {
	if m.DataType != webpubsub.DataProtobuf {
		return "", nil, fmt.Errorf("httptest: message is %v, want protobuf", m.DataType)
	}
	if typeURL, value, err = protoany.Parse(m.Data); err != nil {
		return "", nil, fmt.Errorf("httptest: decode message: %w", err)
	}
	return typeURL, value, nil
}

// SendText raises a user event with a text payload, as Send does. Clients
// without a Web PubSub subprotocol raise the event "message".
func (c *Conn) SendText(ctx context.Context, event, text string) (*Message, error) {
	return c.Send(ctx, event, Message{DataType: webpubsub.DataText, Data: []byte(text)})
}

// SendJSON raises a user event with the JSON of v as its payload, as Send does.
func (c *Conn) SendJSON(ctx context.Context, event string, v any) (*Message, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("httptest: encode %s event: %w", excerpt.Line(event, maxName), err)
	}
	return c.Send(ctx, event, Message{DataType: webpubsub.DataJSON, Data: data})
}

// SendBinary raises a user event with a binary payload, as Send does.
func (c *Conn) SendBinary(ctx context.Context, event string, data []byte) (*Message, error) {
	return c.Send(ctx, event, Message{DataType: webpubsub.DataBinary, Data: data})
}

// SendProtobuf raises a user event with a protobuf message as its payload, as Send does:
// its serialized form and the URL of its type.
func (c *Conn) SendProtobuf(ctx context.Context, event, typeURL string, value []byte) (*Message, error) {
	return c.Send(ctx, event, Message{DataType: webpubsub.DataProtobuf, Data: protoany.Append(nil, typeURL, value)})
}

// Send raises a user event and returns the message that the client gets in answer;
// nil if the answer has neither body nor metadata. An answer without Content-Type
// is binary.
//
// The error is a [*RejectedError], [*InvalidAnswerError] or [*DeliveryError], and
// does not change the connection's state. The service then reports the failure to
// a client of a Web PubSub subprotocol, and closes others; c stays open.
func (c *Conn) Send(ctx context.Context, event string, m Message) (*Message, error) {
	if event == "" {
		return nil, errors.New("httptest: user event has no name")
	}
	ev := Event{
		Type:        wire.TypePrefixUser + event,
		Name:        event,
		ContentType: cmp.Or(m.ContentType, upstream.ContentType(wire.DataType(m.DataType))),
		Data:        m.Data,
		Metadata:    m.Metadata,
	}
	return c.raise(ctx, ev, func(answer *upstream.Answer) (*Message, error) {
		out, err := upstream.DecodeUser(answer)
		if err != nil || !out.Message {
			return nil, err
		}
		return &Message{DataType: webpubsub.DataType(out.DataType), ContentType: out.ContentType, Data: out.Data, Metadata: out.Metadata}, nil
	})
}
