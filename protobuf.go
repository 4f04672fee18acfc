package webpubsub

import (
	"errors"

	"github.com/go-webpubsub/webpubsub/internal/protoany"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Payloads of application/x-protobuf are a google.protobuf.Any: a serialized message
// with the URL of its type. The package reads and writes these two parts and leaves the
// message to the program's protobuf library, so that a server without protobuf links
// none.

// DecodeProtobuf returns the type URL and the serialized form of the protobuf message in
// the payload (application/x-protobuf). Compare the URL with those of the messages that
// you expect, and unmarshal the value into one of them; it is a part of ev.Data:
//
//	typeURL, value, err := ev.DecodeProtobuf()
//	…
//	if typeURL == "type.googleapis.com/chat.Said" {
//		err = proto.Unmarshal(value, &said)
//
// It returns a [*DecodeError], or an [*Error] with status 415 for a payload of another
// type. A function can return them unchanged.
func (ev *UserEvent) DecodeProtobuf() (typeURL string, value []byte, err error) {
	if ev.DataType != DataProtobuf {
		return "", nil, ev.unsupported(wire.MediaProtobuf)
	}
	typeURL, value, err = protoany.Parse(ev.Data)
	if err != nil {
		return "", nil, &DecodeError{What: "protobuf payload", Err: err}
	}
	return typeURL, value, nil
}

// ProtobufReply returns a reply that sends the client a protobuf message
// (application/x-protobuf): its serialized form and the URL of its type, such as
// type.googleapis.com/google.protobuf.Duration. A client of a JSON subprotocol receives
// both as a serialized google.protobuf.Any in base64.
func ProtobufReply(typeURL string, value []byte) Reply {
	return Reply{kind: replyProtobuf, contentType: wire.MediaProtobuf, text: typeURL, data: value}
}

var errNoTypeURL = errors.New("reply: type URL of the protobuf message is empty")

// protobuf returns the body of a reply of ProtobufReply.
func (r *Reply) protobuf() ([]byte, error) {
	if r.text == "" {
		return nil, errNoTypeURL
	}
	body := protoany.Append(nil, r.text, r.data)
	return body, checkAny(body)
}
