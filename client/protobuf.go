package client

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/protoany"
)

// Payloads of protobuf messages are bytes and the URL of their type. A program without
// protobuf messages does not link the protobuf library with its registry and reflection,
// and a program with them can use any library. Package
// google.golang.org/protobuf/types/known/anypb has both parts; see the example of
// ProtobufMessage.

// ProtobufMessage returns a payload of a protobuf message: its serialized form, and the
// URL of its type, such as type.googleapis.com/google.protobuf.Duration. On the wire
// it is a google.protobuf.Any, which names its type.
func ProtobufMessage(typeURL string, value []byte) Data {
	d := Data{d: frame.Data{Type: frame.Protobuf, Bytes: protoany.Append(nil, typeURL, value)}}
	switch {
	case typeURL == "":
		d.err = errors.New("type URL of the protobuf message is empty")
	case !utf8.ValidString(typeURL):
		d.err = errors.New("type URL of the protobuf message is not UTF-8")
	}
	return d
}

// Protobuf returns a payload of a serialized google.protobuf.Any. It must not change
// while it is being sent. Use [ProtobufMessage] for other messages: the service closes
// the connection of a client that sends something else.
func Protobuf(serializedAny []byte) Data {
	d := Data{d: frame.Data{Type: frame.Protobuf, Bytes: serializedAny}}
	if err := protoany.Check(serializedAny); err != nil {
		d.err = fmt.Errorf("protobuf payload: %w", err)
	}
	return d
}

// ProtobufMessage returns the type URL and the serialized form of the protobuf message
// in a payload of [DataProtobuf]. The message is untrusted input, and so is the URL:
// compare it with those of the types that you expect.
func (d Data) ProtobufMessage() (typeURL string, value []byte, err error) {
	switch {
	case d.err != nil:
		return "", nil, d.err
	case d.d.Type != frame.Protobuf:
		return "", nil, fmt.Errorf("payload is %v, want protobuf", d.Type())
	}
	typeURL, value, err = protoany.Parse(d.d.Bytes)
	return typeURL, bytes.Clone(value), err
}
