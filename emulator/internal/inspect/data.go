package inspect

import (
	"encoding/json"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Types of [Data].
const (
	typeJSON     = "json"
	typeText     = "text"
	typeBinary   = "binary"
	typeProtobuf = "protobuf"
)

// Data is the data of a frame, a request or an answer: its beginning, without secrets.
type Data struct {
	Bytes     int    `json:"bytes"`
	Type      string `json:"type,omitempty"`
	Text      string `json:"text,omitempty"`
	Base64    []byte `json:"base64,omitempty"`
	Decoded   string `json:"decoded,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
	Redacted  bool   `json:"redacted,omitempty"`
}

// read returns data of a type. The schema is that of protobuf data.
func read(p trace.Payload, typ string, schema *message) Data {
	e := p.Excerpt()
	out := Data{Bytes: p.Len(), Type: typ, Truncated: e.Cut, Redacted: e.Redacted}
	if out.Bytes == 0 {
		out.Type = ""
	}
	if typ != typeProtobuf && utf8.ValidString(e.Text) {
		out.Text = e.Text
	} else {
		out.Base64 = []byte(e.Text)
	}
	if typ == typeProtobuf {
		out.Decoded = p.Decoded(func(data []byte) string { return decodeProtobuf(schema, data) })
	}
	return out
}

// size returns the bytes of memory of the data.
func (d *Data) size() int { return len(d.Text) + len(d.Base64) + len(d.Decoded) }

// raw returns the data as sent. It is a part of it if the data was truncated, and differs
// if it was redacted.
func (d *Data) raw() []byte {
	if d.Base64 != nil {
		return d.Base64
	}
	return []byte(d.Text)
}

// frameType returns the type of the data of a frame of a subprotocol.
func frameType(subprotocol string, binary bool, p trace.Payload) string {
	switch subprotocol {
	case wire.SubprotocolJSON, wire.SubprotocolJSONReliable:
		return typeJSON
	case wire.SubprotocolProtobuf, wire.SubprotocolProtobufReliable:
		if binary {
			return typeProtobuf
		}
	}
	if binary {
		return typeBinary
	}
	return textType(p)
}

// textType reports whether text is a JSON object or list.
func textType(p trace.Payload) string {
	text := strings.TrimLeft(p.Excerpt().Text, " \t\r\n")
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
		if json.Valid([]byte(text)) {
			return typeJSON
		}
	}
	return typeText
}

// bodyType returns the type of the data of a request or an answer.
func bodyType(header map[string][]string, p trace.Payload) string {
	contentType := ""
	if values := header[wire.HeaderContentType]; len(values) > 0 {
		contentType = values[0]
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return textType(p)
	}
	switch media {
	case wire.MediaProtobuf:
		return typeProtobuf
	case wire.MediaBinary:
		return typeBinary
	case wire.MediaJSON:
		return typeJSON
	}
	if strings.HasSuffix(media, "+json") {
		return typeJSON
	}
	return typeText
}
