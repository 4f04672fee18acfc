package transport

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
)

const headerSubprotocol = "Sec-Websocket-Protocol"

// handshake verifies the client's token and describes the client, also if it returns an error.
func (e *Endpoint) handshake(r *http.Request, hubName string) (*hub.Handshake, error) {
	text := token.Bearer(r.Header)
	query := r.URL.Query()
	for name, values := range query {
		if strings.EqualFold(name, "access_token") {
			if len(values) > 0 && values[0] != "" {
				text = values[0]
			}
			delete(query, name)
		}
	}
	offered := list(r.Header, headerSubprotocol)
	in := &hub.Handshake{
		ConnectionID: hub.NewConnectionID(), Preferred: subprotocol.First(offered),
		Query: query, Headers: withoutSecrets(r.Header), Subprotocols: offered,
	}
	if text == "" {
		if !e.Anonymous(hubName) {
			return in, errors.New("no token, and the hub accepts no anonymous clients")
		}
		return in, nil
	}
	claims, err := e.Keys.Verify(text, e.Audiences(r, hubName)...)
	in.Claims = claims
	return in, err
}

// withoutSecrets returns the headers for the event handler.
func withoutSecrets(header http.Header) http.Header {
	out := header.Clone()
	out.Del("Authorization")
	maps.DeleteFunc(out, func(name string, _ []string) bool { return strings.HasPrefix(name, "X-Asrs-Internal-") })
	return out
}

// isUpgrade reports whether the WebSocket library will accept a request of HTTP/1.1. There is
// no connect event for any other request.
func isUpgrade(r *http.Request) bool {
	has := func(name, value string) bool {
		return slices.ContainsFunc(list(r.Header, name), func(v string) bool { return strings.EqualFold(v, value) })
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Header.Get("Sec-Websocket-Key")))
	return r.Method == http.MethodGet && has("Connection", "upgrade") && has("Upgrade", "websocket") &&
		r.Header.Get("Sec-Websocket-Version") == "13" && err == nil && len(key) == 16 && len(r.Header.Values("Sec-Websocket-Key")) == 1
}

// list returns the values of a header that is a comma-separated list.
func list(header http.Header, name string) []string {
	var out []string
	for _, line := range header.Values(name) {
		for v := range strings.SplitSeq(line, ",") {
			if v = strings.TrimSpace(v); v != "" {
				out = append(out, v)
			}
		}
	}
	return out
}
