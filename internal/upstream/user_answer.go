package upstream

import (
	"encoding/json"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/protoany"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// UserAnswer is a successful answer to a user event.
type UserAnswer struct {
	// Message reports whether the client gets a message.
	Message     bool
	DataType    wire.DataType
	ContentType string
	Data        []byte
	// Metadata of the message, names in lower case.
	Metadata map[string]string
}

// DecodeUser decodes a successful answer to a user event of a client that does not
// use MQTT. A body without Content-Type is binary. With an empty body there is no
// message, unless there is metadata. The error is an [*InvalidAnswerError].
func DecodeUser(answer *Answer) (*UserAnswer, error) {
	metadata, err := rule.MetadataOf(answer.Header)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if len(answer.Body) == 0 {
		return &UserAnswer{Message: len(metadata) > 0, DataType: wire.DataText, Metadata: metadata}, nil
	}
	out := &UserAnswer{Message: true, Data: answer.Body, Metadata: metadata}
	out.ContentType = last(answer.Header[wire.HeaderContentType])
	var known bool
	switch out.DataType, known = wire.DataTypeOf(out.ContentType); {
	case !known && out.ContentType != "":
		return nil, invalid("Content-Type %q is none of text/plain, application/json, application/octet-stream, application/x-protobuf", excerpt.Short(out.ContentType))
	case out.DataType == wire.DataJSON:
		if !json.Valid(answer.Body) {
			return nil, invalid("Content-Type is %q, but the body is not JSON", excerpt.Short(out.ContentType))
		}
		if err := jsonscan.Check(string(answer.Body)); err != nil {
			return nil, invalid("clients cannot read the JSON of the body: %v", err)
		}
	case out.DataType == wire.DataProtobuf:
		if err := protoany.Check(answer.Body); err != nil {
			return nil, invalid("Content-Type is %q, but the body is %v", excerpt.Short(out.ContentType), err)
		}
	}
	return out, nil
}

// State returns the connection state that a successful answer sets in its last line
// ce-connectionState; ok is false if it sets none.
func (a *Answer) State() (state string, ok bool) {
	lines := a.Header[wire.HeaderConnectionState]
	return last(lines), len(lines) > 0
}

// Cookies returns the cookies that an answer sets.
func (a *Answer) Cookies() []*http.Cookie {
	return (&http.Response{Header: a.Header}).Cookies()
}

func last(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}
