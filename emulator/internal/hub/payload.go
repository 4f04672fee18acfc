package hub

import (
	"encoding/json"
	"errors"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/protoany"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// CheckPayload returns an error unless all clients can receive the data of a message. A
// message keeps its type and its data on the way from any sender to any receiver:
//
//	from                       | protobuf      | JSON                | raw    | event handler
//	text, text_data, REST      | text_data     | text                | text   | text/plain
//	json, json_data, REST      | json_data     | json                | text   | application/json
//	binary, binary_data, REST  | binary_data   | binary, in base64   | binary | application/octet-stream
//	protobuf, protobuf_data    | protobuf_data | protobuf, in base64 | binary | application/x-protobuf
//
// The answer of an event handler is like a REST call, and can be application/x-protobuf.
// The data of protobuf is a serialized google.protobuf.Any everywhere. A receiver does not
// check the data again: JSON and Any are part of its frame, which would be invalid too.
// Text of a REST call or an event handler may be invalid UTF-8, which codecs repair.
func CheckPayload(t wire.DataType, data []byte) error {
	switch t {
	case JSON:
		if !json.Valid(data) {
			return errors.New("data is not JSON")
		}
		return jsonscan.Check(string(data))
	case Protobuf:
		return protoany.Check(data)
	case wire.DataNone, Text, Binary:
	}
	return nil
}
