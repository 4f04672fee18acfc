package upstream

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
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
	metadata, err := decodeMetadata(answer.Header)
	if err != nil {
		return nil, err
	}
	if len(answer.Body) == 0 {
		return &UserAnswer{Message: len(metadata) > 0, DataType: wire.DataText, Metadata: metadata}, nil
	}
	out := &UserAnswer{Message: true, Data: answer.Body, Metadata: metadata}
	out.ContentType = last(answer.Header[wire.HeaderContentType])
	var known bool
	switch out.DataType, known = wire.DataTypeOf(out.ContentType); {
	case !known && out.ContentType != "", out.DataType == wire.DataProtobuf:
		return nil, invalid("Content-Type %q is none of text/plain, application/json, application/octet-stream", excerpt.Cut(out.ContentType, maxText))
	case out.DataType == wire.DataJSON:
		if !json.Valid(answer.Body) {
			return nil, invalid("Content-Type is %q, but the body is not JSON", excerpt.Cut(out.ContentType, maxText))
		}
		if err := jsonscan.Check(string(answer.Body)); err != nil {
			return nil, invalid("clients cannot read the JSON of the body: %v", err)
		}
	}
	return out, nil
}

// decodeMetadata decodes the metadata headers. The last of several values counts,
// whether they are in lines of their own or separated by commas: proxies turn one
// into the other.
func decodeMetadata(header http.Header) (map[string]string, error) {
	var out map[string]string
	total := 0
	for _, name := range slices.Sorted(maps.Keys(header)) {
		key, ok := strings.CutPrefix(name, wire.PrefixMetadata)
		if !ok || key == "" {
			continue
		}
		value := last(header[name])
		value = strings.TrimSpace(value[strings.LastIndexByte(value, ',')+1:])
		switch {
		case len(key) > wire.MaxMetadataKey:
			return nil, invalid("metadata name %q is longer than %d bytes", excerpt.Cut(key, maxText), wire.MaxMetadataKey)
		case len(value) > wire.MaxMetadataValue:
			return nil, invalid("metadata value of %q is longer than %d bytes", excerpt.Cut(key, maxText), wire.MaxMetadataValue)
		case strings.IndexFunc(value, func(r rune) bool { return r > 0x7e }) >= 0:
			return nil, invalid("metadata value of %q is not ASCII", excerpt.Cut(key, maxText))
		}
		total += len(key) + len(value)
		if out == nil {
			out = make(map[string]string)
		}
		out[strings.ToLower(key)] = value
	}
	if total > wire.MaxMetadataTotal {
		return nil, invalid("metadata has %d bytes of names and values, at most %d are allowed", total, wire.MaxMetadataTotal)
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
