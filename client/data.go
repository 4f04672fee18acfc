package client

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// DataType is what a payload is (dataType).
type DataType uint8

// The types of payloads.
const (
	// DataNone is no payload, the zero [Data].
	DataNone = DataType(wire.DataNone)
	// DataText (text) is UTF-8.
	DataText = DataType(wire.DataText)
	// DataJSON (json) is any JSON value but null.
	DataJSON = DataType(wire.DataJSON)
	// DataBinary (binary) is bytes, in base64 on the wire.
	DataBinary = DataType(wire.DataBinary)
	// DataProtobuf (protobuf) is a serialized google.protobuf.Any, in base64 on the wire.
	DataProtobuf = DataType(wire.DataProtobuf)
)

// String returns the name on the wire.
func (t DataType) String() string { return wire.DataType(t).String() }

// Data is a payload and its type. The zero value is none; [Text], [JSON],
// [RawJSON], [Binary] and [Protobuf] make others. What is wrong with a payload is
// the error of the operation that sends it.
type Data struct {
	d   frame.Data
	err error
}

// Text makes a payload of text, which has to be UTF-8.
func Text(s string) Data {
	d := Data{d: frame.Data{Type: frame.Text, Text: s}}
	if !utf8.ValidString(s) {
		d.err = errors.New("text is not UTF-8; Binary takes any bytes")
	}
	return d
}

// JSON makes a payload of the JSON encoding of a value, which must not be null, nor
// have more than 1000 levels of nesting, the most that a [Client] reads.
func JSON(v any) Data {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return Data{d: frame.Data{Type: frame.JSON}, err: fmt.Errorf("encode %T: %w", v, err)}
	}
	d := rawJSON(string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))))
	if len(d.d.Text) > 2*jsonscan.MaxDepth { // each level has two brackets
		if err := jsonscan.Check(d.d.Text); err != nil {
			d.err = fmt.Errorf("encode %T: %w", v, err)
		}
	}
	return d
}

// RawJSON makes a payload of a JSON text, to which the rules of [JSON] apply.
func RawJSON(text []byte) Data {
	d := rawJSON(string(bytes.TrimSpace(text)))
	if err := jsonscan.Check(d.d.Text); err != nil {
		d.err = fmt.Errorf("raw JSON: %w", err)
	}
	return d
}

func rawJSON(text string) Data {
	d := Data{d: frame.Data{Type: frame.JSON, Text: text}}
	switch {
	case text == "null":
		d.err = errors.New("JSON payload is null, which the service does not take")
	case !utf8.ValidString(text):
		d.err = errors.New("JSON payload is not UTF-8")
	}
	return d
}

// Binary makes a payload of bytes, which must not change until the operation
// that sends them has returned.
func Binary(b []byte) Data { return Data{d: frame.Data{Type: frame.Binary, Bytes: b}} }

// Protobuf makes a payload of a serialized google.protobuf.Any. The service's
// documentation names the type for messages to JSON clients only.
func Protobuf(b []byte) Data { return Data{d: frame.Data{Type: frame.Protobuf, Bytes: b}} }

// Type tells what the payload is.
func (d Data) Type() DataType { return DataType(d.d.Type) }

// String gives text and JSON as they are, anything else in base64.
func (d Data) String() string {
	if d.d.Type == frame.Binary || d.d.Type == frame.Protobuf {
		return base64.StdEncoding.EncodeToString(d.d.Bytes)
	}
	return d.d.Text
}

// Bytes gives the payload in the caller's own copy.
func (d Data) Bytes() []byte {
	if d.d.Type == frame.Binary || d.d.Type == frame.Protobuf {
		return bytes.Clone(d.d.Bytes)
	}
	return []byte(d.d.Text)
}

// Decode reads JSON into what v points to: a payload of JSON, or of text, as
// which many senders send their JSON. Its errors do not quote the payload.
func (d Data) Decode(v any) error {
	switch {
	case d.err != nil:
		return d.err
	case d.d.Type != frame.JSON && d.d.Type != frame.Text:
		return fmt.Errorf("payload is %v, want json or text", d.Type())
	}
	return jsonscan.Unmarshal([]byte(d.d.Text), v)
}

func (d Data) size() int { return len(d.d.Text) + len(d.d.Bytes) }

// sendable gives what goes out, which an optional payload need not.
func (d Data) sendable(optional bool) (frame.Data, error) {
	if d.d.Type == frame.None && !optional {
		return d.d, errors.New("Data is empty, want one of Text, JSON, RawJSON, Binary and Protobuf")
	}
	return d.d, d.err
}
