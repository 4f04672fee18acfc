package client

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// handshake authorises the client and collects what it said.
func (e *Endpoint) handshake(r *http.Request, hubName string) (*Handshake, error) {
	in := &Handshake{ConnectionID: hub.NewConnectionID(), Query: r.URL.Query(), Headers: r.Header.Clone(), Subprotocols: offers(r)}
	text := token.Bearer(r.Header)
	for name, values := range in.Query {
		if strings.EqualFold(name, "access_token") {
			if len(values) > 0 && values[0] != "" {
				text = values[0]
			}
			delete(in.Query, name)
		}
	}
	in.Headers.Del("Authorization")
	for name := range in.Headers {
		if strings.HasPrefix(name, "X-Asrs-Internal-") {
			delete(in.Headers, name)
		}
	}
	if text == "" {
		if !e.Anonymous(hubName) {
			return nil, errors.New("no token, and the hub takes no anonymous clients")
		}
		return in, nil
	}
	var err error
	if in.Claims, err = e.Keys.Verify(text, e.Audiences(r, hubName)...); err != nil {
		return nil, err
	}
	for _, claim := range [...]string{"sub", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"} {
		if id, ok := in.Claims.First(claim); ok { // the empty one is an id like any other
			if err := rule.CheckUser(id); err != nil {
				return nil, fmt.Errorf("%w: user id: %w", token.ErrInvalid, err)
			}
			in.UserID = &id
			break
		}
	}
	return in, nil
}

// negotiate gives the subprotocol in the client's own spelling: what the event
// handler chose, else the first of the service's own.
func negotiate(offered []string, chosen string) (string, error) {
	i := slices.IndexFunc(offered, func(name string) bool {
		if chosen != "" {
			return strings.EqualFold(name, chosen)
		}
		return subprotocol.Known(name)
	})
	switch {
	case i >= 0:
		return offered[i], nil
	case chosen != "":
		return "", fmt.Errorf("the connect event handler selected unrequested subprotocol '%s'", chosen)
	}
	return "", nil
}

// rawMode reads what raw clients ask for in their URL. It is checked for all
// clients, and counts for raw ones.
func rawMode(query url.Values) (subprotocol.Raw, error) {
	last := func(name string) string {
		if v := query[name]; len(v) > 0 {
			return v[len(v)-1]
		}
		return ""
	}
	switch mode := last("webpubsub_mode"); {
	case mode == "" || strings.EqualFold(mode, "sendEvent"):
		return subprotocol.Raw{}, nil
	case !strings.EqualFold(mode, "sendToGroup"):
		return subprotocol.Raw{}, fmt.Errorf("webpubsub_mode %.64q: want sendEvent or sendToGroup", mode)
	}
	raw := subprotocol.Raw{Group: last("group")}
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

// checkGroups holds the first groups of a client to their number, each once.
func checkGroups(source string, groups []string, most int) error {
	if len(groups) > most && len(slices.Compact(slices.Sorted(slices.Values(groups)))) > most {
		return fmt.Errorf("the %s has more than %d groups", source, most)
	}
	return nil
}

// offers gives the subprotocols that a client offers.
func offers(r *http.Request) []string {
	var out []string
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
