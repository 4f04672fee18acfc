package webpubsub

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/protoany"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// answer is an answer to an event, checked and encoded.
type answer struct {
	status      int    // zero: 200, or 204 without content
	contentType string // empty: no content
	nosniff     bool
	text        string
	data        []byte
	state       string
	setState    bool
	metadata    map[string]string
	properties  []mqtt.UserProperty
}

// Content types are shared between answers; see allowMethods.
var (
	headerText   = []string{contentText}
	headerJSON   = []string{contentJSON}
	headerBinary = []string{contentBinary}

	headerBareText = []string{wire.MediaText}
	headerBareJSON = []string{wire.MediaJSON}

	headerNosniff = []string{"nosniff"}
)

// textAnswer returns an answer with a text, or without content if the text is empty.
func textAnswer(status int, text string) answer {
	if text == "" {
		return answer{status: status}
	}
	return answer{status: status, contentType: contentText, nosniff: true, text: text}
}

func writeText(w http.ResponseWriter, status int, text string) {
	out := textAnswer(status, text)
	out.write(w)
}

// code returns the HTTP status.
func (a *answer) code() int {
	switch {
	case a.status != 0:
		return a.status
	case a.contentType == "":
		return http.StatusNoContent
	}
	return http.StatusOK
}

// headerBytes returns the approximate length of the answer's header.
func (a *answer) headerBytes() int {
	const (
		status = len("HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 1048576\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n")
		line   = len(": \r\n")
	)
	n := status
	if a.setState {
		n += len(wire.HeaderConnectionState) + line + len(a.state)
	}
	if len(a.metadata) > 0 { // ranging over a nil map takes longer than all else here
		for name, v := range a.metadata {
			n += len(wire.PrefixMetadata) + len(name) + line + len(v)
		}
	}
	for _, p := range a.properties {
		n += len(wire.PrefixMQTT) + len(p.Name) + line + len(p.Value)
	}
	return n
}

// isBare reports whether the answer has neither a header nor content. net/http clones a
// header that was looked at, even if it is empty.
func (a *answer) isBare() bool {
	return a.contentType == "" && !a.setState && len(a.metadata) == 0 && len(a.properties) == 0
}

func (a *answer) write(w http.ResponseWriter) {
	if a.isBare() {
		w.WriteHeader(a.code())
		return
	}
	header := w.Header()
	if a.setState {
		header[wire.HeaderConnectionState] = []string{a.state}
	}
	if len(a.metadata) > 0 {
		for name, v := range a.metadata {
			header.Set(wire.PrefixMetadata+name, v)
		}
	}
	for _, p := range a.properties {
		header.Add(wire.PrefixMQTT+p.Name, p.Value)
	}
	if a.nosniff {
		header["X-Content-Type-Options"] = headerNosniff
	}
	switch a.contentType {
	case "":
		w.WriteHeader(a.code())
		return
	case contentText:
		header[wire.HeaderContentType] = headerText
	case contentJSON:
		header[wire.HeaderContentType] = headerJSON
	case contentBinary:
		header[wire.HeaderContentType] = headerBinary
	case wire.MediaText:
		header[wire.HeaderContentType] = headerBareText
	case wire.MediaJSON:
		header[wire.HeaderContentType] = headerBareJSON
	default:
		header[wire.HeaderContentType] = []string{a.contentType}
	}
	// If the body is longer than its buffer, net/http would use chunks.
	if n := len(a.text) + len(a.data); n > 2048 {
		header["Content-Length"] = []string{strconv.Itoa(n)}
	}
	w.WriteHeader(a.code())
	// If writing fails, net/http closes the connection.
	if a.data != nil {
		_, _ = w.Write(a.data) //nolint:gosec // not HTML by its content type
		return
	}
	_, _ = io.WriteString(w, a.text) //nolint:gosec // as above; a text of ours is sent with nosniff
}

// answer checks and encodes the reply to a user event.
func (r *Reply) answer(ev *UserEvent) (answer, error) {
	out := answer{
		contentType: r.contentType,
		text:        r.text,
		data:        r.data,
		metadata:    r.Metadata,
		properties:  r.MQTTUserProperties,
	}
	var err error
	switch r.kind {
	case replyNone:
	case replyText:
		if !utf8.ValidString(r.text) {
			return answer{}, errors.New("reply: text is not UTF-8")
		}
	case replyJSON:
		switch r.value.(type) {
		case Reply, *Reply: // its fields are no message for a client
			return answer{}, errors.New("reply: a Reply is not a JSON value; return it as it is")
		case ConnectReply, *ConnectReply:
			return answer{}, errors.New("reply: a ConnectReply answers connect events only; return a Reply, or a value of your own to send it as JSON")
		case StateUpdate, *StateUpdate:
			return answer{}, errors.New("reply: a StateUpdate is not a JSON value; return Reply{State: update}")
		}
		if out.data, err = json.Marshal(r.value); err != nil {
			return answer{}, fmt.Errorf("reply: encode JSON: %w", err)
		}
	case replyData:
		if err := checkReplyType(r, ev.MQTT != nil); err != nil {
			return answer{}, err
		}
	case replyProtobuf:
		out.text = ""
		if out.data, err = r.protobuf(); err != nil {
			return answer{}, err
		}
	}
	if out.state, out.setState, err = r.State.header(&ev.Meta); err != nil {
		return answer{}, fmt.Errorf("reply: %w", err)
	}
	if err := rule.CheckMetadataHeaders(r.Metadata); err != nil {
		return answer{}, fmt.Errorf("reply: %w", err)
	}
	if len(r.MQTTUserProperties) > 0 && ev.MQTT == nil {
		return answer{}, errors.New("reply: MQTTUserProperties are set, but the client is not an MQTT client")
	}
	return out, checkPropertyHeaders(r.MQTTUserProperties)
}

func checkReplyType(r *Reply, isMQTT bool) error {
	contentType := r.contentType
	if contentType == "" || !rule.IsHeaderValue(contentType) || !strings.Contains(contentType, "/") {
		return fmt.Errorf("reply: content type %q is not a media type", excerpt.Short(contentType))
	}
	if isMQTT {
		return nil
	}
	kind, known := dataTypeOf(contentType)
	if !known {
		return fmt.Errorf("reply: content type %q is not one that the service accepts: text/plain, application/json, application/octet-stream, application/x-protobuf", excerpt.Short(contentType))
	}
	if kind == DataProtobuf {
		return checkAny(r.data)
	}
	return nil
}

func checkAny(body []byte) error {
	if err := protoany.Check(body); err != nil {
		return fmt.Errorf("reply: %w; use ProtobufReply for a message", err)
	}
	return nil
}

func checkPropertyHeaders(properties []mqtt.UserProperty) error {
	for _, p := range properties {
		if !rule.IsToken(p.Name) || !rule.IsHeaderValue(p.Value) {
			return fmt.Errorf("reply: MQTT user property %q cannot be a header: its name must be an HTTP token, its value printable ASCII", excerpt.Short(p.Name))
		}
	}
	return nil
}
