package subprotocol

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Raw is the protocol of clients without a Web PubSub subprotocol: each frame is a
// message.
type Raw struct {
	Group  string // to which the client sends; empty: to the event handler
	NoEcho bool
}

// ParseRaw reads the mode of a raw client from the query of its URL.
func ParseRaw(query url.Values) (Raw, error) {
	last := func(name string) string {
		if v := query[name]; len(v) > 0 {
			return v[len(v)-1]
		}
		return ""
	}
	switch mode := last("webpubsub_mode"); {
	case mode == "" || strings.EqualFold(mode, "sendEvent"):
		return Raw{}, nil
	case !strings.EqualFold(mode, "sendToGroup"):
		return Raw{}, fmt.Errorf("webpubsub_mode %.64q: want sendEvent or sendToGroup", mode)
	}
	raw := Raw{Group: last("group")}
	if err := rule.AcceptGroup(raw.Group); err != nil {
		return raw, err
	}
	switch noEcho := last("noEcho"); {
	case strings.EqualFold(noEcho, "true"):
		raw.NoEcho = true
	case noEcho != "" && !strings.EqualFold(noEcho, "false"):
		return raw, fmt.Errorf("noEcho %.64q: want true or false", noEcho)
	}
	return raw, nil
}

// Read returns a [hub.SendEvent] of the event "message", or a [hub.SendToGroup].
func (p Raw) Read(binary bool, data []byte) (hub.Request, *Violation) {
	if !binary && !utf8.Valid(data) {
		return nil, &Violation{Code: hub.CloseInvalid, Reason: "The client message is not valid UTF-8.", Detail: "text frame is not UTF-8"}
	}
	m := &hub.Message{Type: hub.Text, Data: data, Group: p.Group}
	if binary {
		m.Type = hub.Binary
	}
	if p.Group != "" {
		return hub.SendToGroup{Message: m, NoEcho: p.NoEcho}, nil
	}
	return hub.SendEvent{Event: wire.NameMessage, Message: m}, nil
}

// Output encodes only messages, since raw clients treat every frame as one.
func (Raw) Output() hub.Output {
	return hub.Output{Codec: rawCodec{}, Delivery: hub.Unacknowledged{}}
}

type rawCodec struct{}

// Message returns a text frame for text and JSON, otherwise a binary frame. Text from an
// event handler may be invalid UTF-8, for which clients would close the connection; it is
// repaired.
func (rawCodec) Message(m *hub.Message) hub.Frame {
	if m.Type == hub.Text || m.Type == hub.JSON {
		return hub.Frame{Kind: hub.FrameText, Data: bytes.ToValidUTF8(m.Data, []byte("\uFFFD"))}
	}
	return hub.Frame{Kind: hub.FrameBinary, Data: m.Data}
}

// AppendSequenced appends the data: raw clients get no sequence ids.
func (rawCodec) AppendSequenced(b, data []byte, _ uint64) []byte { return append(b, data...) }
