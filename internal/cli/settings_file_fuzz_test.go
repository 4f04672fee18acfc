package cli_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// asJSON returns settings as JSON.
func asJSON(tb testing.TB, hubs map[string]emulator.Hub) []byte {
	tb.Helper()
	type object = map[string]any
	file := object{}
	for name, h := range hubs {
		policy := "deny"
		if h.AllowAnonymous {
			policy = "allow"
		}
		handlers := []object{}
		for _, e := range h.EventHandlers {
			auth := object{"type": "None"}
			if m := e.ManagedIdentity; m != nil {
				auth = object{"type": "ManagedIdentity", "managedIdentity": object{"resource": m.Resource, "tokenVersion": m.TokenVersion}}
			}
			handlers = append(handlers, object{
				"auth":        auth,
				"urlTemplate": e.URLTemplate, "userEventPattern": e.UserEventPattern, "systemEvents": e.SystemEvents,
				"groupPresenceEvents": object{"eventNames": e.GroupEvents, "groupFilters": e.GroupFilters},
			})
		}
		file[name] = object{"anonymousConnectPolicy": policy, "eventHandlers": handlers}
	}
	data, err := json.Marshal(object{"hubs": file})
	require.NoError(tb, err)
	return data
}

// FuzzSettings checks that settings mean the same in JSON, that New accepts them or
// returns an error, and that they mean the same when they are written.
func FuzzSettings(f *testing.F) {
	f.Add([]byte("hubs:\n  chat:\n    anonymousConnectPolicy: allow\n    eventHandlers:\n      - urlTemplate: http://h/{hub}\n        systemEvents: [connect]\n"))
	f.Add([]byte(`{"hubs": {"a": {"eventHandlers": [{"urlTemplate": "http://h", "groupPresenceEvents": {"eventNames": ["joined"], "groupFilters": ["a.*"]}}]}, "b": {}}}`))
	f.Add([]byte(`{"hubs": {"a": {"eventHandlers": [{"urlTemplate": "http://h", "auth": {"type": "ManagedIdentity", "managedIdentity": {"resource": "api://7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46", "tokenVersion": 2}}}]}}}`))
	f.Add([]byte("hubs: {a: &x {anonymousConnectPolicy: deny}, b: *x}"))
	f.Add([]byte("a: &a [x,x,x]\nb: &b [*a,*a,*a]\nhubs: {c: *b}"))
	f.Add([]byte("---\n...\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		hubs, err := cli.ParseSettings(data)
		if err != nil {
			require.Nil(t, hubs)
			return
		}
		again, err := cli.ParseSettings(asJSON(t, hubs))
		require.NoError(t, err)
		assert.Equal(t, asJSON(t, hubs), asJSON(t, again))
		s, err := emulator.New(emulator.Config{Hubs: hubs})
		if err != nil {
			return
		}
		s.Close()
		text, err := cli.RewriteSettings(data)
		if err != nil {
			return // key vault
		}
		written, err := cli.ParseSettings([]byte(text))
		require.NoError(t, err, text)
		assert.Equal(t, string(asJSON(t, hubs)), string(asJSON(t, written)), text)
	})
}
