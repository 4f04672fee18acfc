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

// DataType is the type of a payload (dataType).
type DataType uint8

// The types of payloads.
const (
	// DataNone is the type of the zero [Data], which has no payload.
	DataNone = DataType(wire.DataNone)
	// DataText (text) is UTF-8 text.
	DataText = DataType(wire.DataText)
	// DataJSON (json) is any JSON value except null.
	DataJSON = DataType(wire.DataJSON)
	// DataBinary (binary) is bytes, in base64 in the JSON subprotocols.
	DataBinary = DataType(wire.DataBinary)
	// DataProtobuf (protobuf) is a serialized google.protobuf.Any, in base64 in the
	// JSON subprotocols.
	DataProtobuf = DataType(wire.DataProtobuf)
)

// String returns the name on the wire.
func (t DataType) String() string { return wire.DataType(t).String() }

// Data is a payload and its type. The zero value has no payload. [Text], [JSON],
// [RawJSON], [Binary], [Protobuf] and [ProtobufMessage] make the others. An invalid payload is an
// error of the operation that sends it.
type Data struct {
	d   frame.Data
	err error
}

// Text returns a payload of text, which must be UTF-8.
func Text(s string) Data {
	d := Data{d: frame.Data{Type: frame.Text, Text: s}}
	if !utf8.ValidString(s) {
		d.err = errors.New("text is not UTF-8; use Binary for other bytes")
	}
	return d
}

// JSON returns a payload of the JSON encoding of v. It must not be null or have
// more than 1000 levels of nesting, which is as many as a [Client] reads.
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

// RawJSON returns a payload of JSON text, to which the rules of [JSON] apply.
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
		d.err = errors.New("JSON payload is null, which the service rejects")
	case !utf8.ValidString(text):
		d.err = errors.New("JSON payload is not UTF-8")
	}
	return d
}

// Binary returns a payload of bytes. They must not change while they are being
// sent.
func Binary(b []byte) Data { return Data{d: frame.Data{Type: frame.Binary, Bytes: b}} }

// Type returns the type of the payload.
func (d Data) Type() DataType { return DataType(d.d.Type) }

// String returns text and JSON as they are, and other payloads in base64.
func (d Data) String() string {
	if d.d.Type == frame.Binary || d.d.Type == frame.Protobuf {
		return base64.StdEncoding.EncodeToString(d.d.Bytes)
	}
	return d.d.Text
}

// Bytes returns a copy of the payload.
func (d Data) Bytes() []byte {
	if d.d.Type == frame.Binary || d.d.Type == frame.Protobuf {
		return bytes.Clone(d.d.Bytes)
	}
	return []byte(d.d.Text)
}

// Decode decodes a payload of JSON, or of text that contains JSON, into the value
// that v points to. Its errors do not quote the payload.
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

// check returns the error of an invalid or missing payload.
func (d Data) check() error {
	if d.d.Type == frame.None {
		return errors.New("Data is empty, want one of Text, JSON, RawJSON, Binary, Protobuf and ProtobufMessage")
	}
	return d.err
}
