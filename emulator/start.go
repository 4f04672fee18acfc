package emulator

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// ConnectionString makes the connection string of an emulator that serves at an
// endpoint, such as http://127.0.0.1:8080, and has the access key: for service
// clients and event handlers, which check both. Who knows it knows the key.
func ConnectionString(endpoint, accessKey string) string {
	return "Endpoint=" + endpoint + ";AccessKey=" + accessKey + ";Version=1.0;"
}

// Running is an emulator on a loopback address.
type Running struct {
	*Server
	// Endpoint is its URL, such as http://127.0.0.1:40123.
	Endpoint string
	// ConnectionString for service clients and event handlers.
	ConnectionString string
}

// startGrace is how long the cleanup of a test waits for event handlers.
const startGrace = time.Second

// Start runs an emulator for the time of a test, on a free port of the loopback
// address. A setting that is wrong ends the test. At the test's end its event
// handlers have a second to hear that the clients that are left are gone.
func Start(tb testing.TB, cfg Config) *Running {
	tb.Helper()
	if cfg.Origin == "" {
		cfg.Origin = "127.0.0.1"
	}
	s, err := New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	listener := httptest.NewServer(s)
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startGrace)
		defer cancel()
		_ = s.Shutdown(ctx) // an event that nobody took in time is no failure of the test
		listener.Close()
	})
	return &Running{
		Server:           s,
		Endpoint:         listener.URL,
		ConnectionString: ConnectionString(listener.URL, s.cfg.AccessKeys[0]),
	}
}

// ClientOptions of [Running.ClientURL].
type ClientOptions struct {
	// UserID of the client; empty: it has none.
	UserID string
	// Roles and Groups that the client starts with. A role that is none of the
	// service's is ignored, as the service does, and logged.
	Roles, Groups []string
	// Lifetime of the token. Zero is an hour.
	Lifetime time.Duration
}

// ClientURL gives the address, with a token, at which a client connects to a hub.
func (r *Running) ClientURL(hub string, opts *ClientOptions) string {
	var o ClientOptions
	if opts != nil {
		o = *opts
	}
	if o.Lifetime == 0 {
		o.Lifetime = time.Hour
	}
	base := r.Endpoint + "/client/hubs/" + url.PathEscape(hub)
	text, err := r.keys.Make(base, o.Lifetime, o.UserID, o.Roles, o.Groups)
	if err != nil {
		panic("emulator: sign token: " + err.Error()) // HS256 with a key that is not empty
	}
	return strings.Replace(base, "http", "ws", 1) + "?access_token=" + url.QueryEscape(text)
}
