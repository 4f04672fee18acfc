package trigger

import (
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Payload returns what a body is, none, json, text or base64, and the body as such: nil, a
// [json.RawMessage], or a string.
func Payload(contentType string, body []byte) (kind string, data any) {
	dataType, known := wire.DataTypeOf(contentType)
	binary := known && (dataType == wire.DataBinary || dataType == wire.DataProtobuf)
	switch {
	case len(body) == 0:
		return "none", nil
	case dataType == wire.DataJSON && json.Valid(body):
		return "json", json.RawMessage(body)
	case !binary && utf8.Valid(body):
		return "text", string(body)
	}
	return "base64", base64.StdEncoding.EncodeToString(body)
}
