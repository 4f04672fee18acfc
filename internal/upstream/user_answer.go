package upstream

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// UserAnswer is a successful answer to a user event.
type UserAnswer struct {
	// Message is whether the client gets a message.
	Message     bool
	DataType    webpubsub.DataType
	ContentType string
	Data        []byte
	// Metadata of the message, names in lower case.
	Metadata map[string]string
}

// DecodeUser reads a successful answer to a user event of a client that does
// not speak MQTT. A body without Content-Type is binary; an empty body is no
// message, whatever its type, unless there is metadata for one. The error is an
// [*InvalidAnswerError].
func DecodeUser(answer *Answer) (*UserAnswer, error) {
	metadata, err := rule.MetadataOf(answer.Header)
	if err != nil {
		return nil, invalid("%v", err)
	}
	if len(answer.Body) == 0 {
		return &UserAnswer{Message: len(metadata) > 0, DataType: webpubsub.DataText, Metadata: metadata}, nil
	}
	out := &UserAnswer{Message: true, Data: answer.Body, Metadata: metadata}
	out.ContentType = last(answer.Header[wire.HeaderContentType])
	media, _, _ := strings.Cut(out.ContentType, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "", wire.MediaBinary:
		out.DataType = webpubsub.DataBinary
	case wire.MediaText:
		out.DataType = webpubsub.DataText
	case wire.MediaJSON:
		out.DataType = webpubsub.DataJSON
		if !json.Valid(answer.Body) {
			return nil, invalid("Content-Type is %q, but the body is not JSON", excerpt.Cut(out.ContentType, maxText))
		}
		if err := jsonscan.Check(string(answer.Body)); err != nil {
			return nil, invalid("the JSON of the body cannot be read by clients: %v", err)
		}
	default:
		return nil, invalid("Content-Type %q is none of text/plain, application/json, application/octet-stream", excerpt.Cut(out.ContentType, maxText))
	}
	return out, nil
}

// State returns the connection state that a successful answer sets, by its last
// ce-connectionState line; ok is false if it sets none.
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
