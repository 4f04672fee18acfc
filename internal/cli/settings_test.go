package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

func TestUnknownFieldShowsNoSecret(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"http://h.test/e?code=SECRET":       `line 3, column 5: unknown field "http://h.test/e?…"`,
		"https://ann:SECRET@h.test/e":       `line 3, column 5: unknown field "https://…@h.test/e"`,
		strings.Repeat("x", 200) + "SECRET": `line 3, column 5: unknown field "` + strings.Repeat("x", 128) + `"`,
	} {
		_, err := cli.ParseSettings([]byte("hubs:\n  chat:\n    " + name + ": x\n"))
		require.EqualError(t, err, want)
	}
}

func TestSettingsOfAuth(t *testing.T) {
	t.Parallel()
	for auth, tt := range map[string]struct {
		want *emulator.ManagedIdentity
		err  string
	}{
		"{type: None}": {},
		"{}":           {},
		"{type: ManagedIdentity, managedIdentity: {resource: 'api://chat'}}":                  {want: &emulator.ManagedIdentity{Resource: "api://chat"}},
		"{type: ManagedIdentity, managedIdentity: {resource: 'api://chat', tokenVersion: 2}}": {want: &emulator.ManagedIdentity{Resource: "api://chat", TokenVersion: 2}},
		"{type: ManagedIdentity}":                                 {err: `hub "a", event handler 0: auth.type ManagedIdentity: want managedIdentity with a resource`},
		"{managedIdentity: {resource: 'api://chat'}}":             {err: `hub "a", event handler 0: auth.managedIdentity: want auth.type ManagedIdentity with it`},
		"{type: None, managedIdentity: {resource: 'api://chat'}}": {err: `hub "a", event handler 0: auth.managedIdentity: want auth.type ManagedIdentity with it`},
		"{type: managedIdentity}":                                 {err: `hub "a", event handler 0: auth.type "managedIdentity": want None or ManagedIdentity`},
		"{type: ManagedIdentity, managedIdentity: {resources: 'api://chat'}}": {
			err: `line 1, column 103: unknown field "resources", did you mean "resource"?`,
		},
		"{type: ManagedIdentity, managedIdentity: {tokenVersion: two}}": {err: "line 1, column 117: want a number"},
	} {
		hubs, err := cli.ParseSettings([]byte("hubs: {a: {eventHandlers: [{urlTemplate: 'http://u/', auth: " + auth + "}]}}"))
		if tt.err != "" {
			require.EqualError(t, err, tt.err, auth)
			continue
		}
		require.NoError(t, err, auth)
		assert.Equal(t, tt.want, hubs["a"].EventHandlers[0].ManagedIdentity, auth)
	}
}
