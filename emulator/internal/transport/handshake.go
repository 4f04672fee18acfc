package transport

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// handshake authorises the client and collects what it said.
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
	offered := offers(r)
	in := &hub.Handshake{
		ConnectionID: hub.NewConnectionID(),
		Preferred:    subprotocol.First(offered),
		ConnectRequest: wire.ConnectRequest{
			Query: query, Headers: withoutSecrets(r.Header), Subprotocols: offered, ClientCertificates: []wire.ClientCertificate{},
		},
	}
	if text == "" {
		if !e.Anonymous(hubName) {
			return nil, errors.New("no token, and the hub takes no anonymous clients")
		}
		return in, nil
	}
	claims, err := e.Keys.Verify(text, e.Audiences(r, hubName)...)
	in.Claims = claims
	return in, err
}

// withoutSecrets returns the headers that the event handler may see.
func withoutSecrets(header http.Header) http.Header {
	out := header.Clone()
	out.Del("Authorization")
	maps.DeleteFunc(out, func(name string, _ []string) bool { return strings.HasPrefix(name, "X-Asrs-Internal-") })
	return out
}

// offers gives the subprotocols that a client offers.
func offers(r *http.Request) []string {
	out := []string{}
	for _, line := range r.Header.Values("Sec-Websocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}

// isUpgrade holds a request to what the WebSocket library will, before anybody is
// asked about the client.
func isUpgrade(r *http.Request) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(r.Header.Get("Sec-Websocket-Key")))
	return r.Method == http.MethodGet && headerHas(r.Header, "Connection", "upgrade") && headerHas(r.Header, "Upgrade", "websocket") &&
		r.Header.Get("Sec-Websocket-Version") == "13" && err == nil && len(key) == 16 && len(r.Header.Values("Sec-Websocket-Key")) == 1
}

func headerHas(header http.Header, name, want string) bool {
	for _, line := range header.Values(name) {
		for v := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(v), want) {
				return true
			}
		}
	}
	return false
}
