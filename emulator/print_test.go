package emulator_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// Nothing that prints contains an access key or the query of a URL.
func TestPrintsNoSecrets(t *testing.T) {
	t.Parallel()
	const secret = "S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T"
	handler := emulator.InMemory(http.NotFoundHandler())
	handler.URLTemplate = "http://localhost/{event}?code=" + secret
	hub := emulator.Hub{EventHandlers: []emulator.EventHandler{handler, {URLTemplate: "http://handler.test/?code=" + secret}}}
	cfg := emulator.Config{AccessKeys: []string{secret, "2" + secret}, Hubs: map[string]emulator.Hub{"chat": hub}}
	s, err := emulator.New(cfg)
	require.NoError(t, err)
	defer s.Close()
	running := emulator.Start(t, cfg)

	type users struct {
		Exported any
		server   *emulator.Server
		running  *emulator.TestServer
		cfg      *emulator.Config
	}
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"Config":             {cfg, `emulator.Config(hubs ["chat"])`},
		"*Config":            {&cfg, `emulator.Config(hubs ["chat"])`},
		"*Server":            {s, `emulator.Server(hubs ["chat"])`},
		"TestServer":         {*running, `emulator.Server(hubs ["chat"])`},
		"*TestServer":        {running, `emulator.Server(hubs ["chat"])`},
		"EventHandler":       {handler, `emulator.EventHandler(in memory http://localhost/{event}?…)`},
		"*EventHandler":      {&handler, `emulator.EventHandler(in memory http://localhost/{event}?…)`},
		"Hub":                {hub, ""},
		"slice":              {[]any{cfg, s, running}, ""},
		"fields of a struct": {users{emulator.Config{AccessKeys: []string{secret}}, s, running, &cfg}, ""},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if strings.HasPrefix(name, "fields") && !strings.HasSuffix(verb, "v") {
				continue // for an unknown verb, fmt prints what a pointer in an unexported field refers to
			}
			text := fmt.Sprintf(verb, tc.value)
			assert.NotContains(t, text, secret, "%s of %s", verb, name)
			assert.NotContains(t, text, fmt.Sprintf("%x", secret), "%s of %s", verb, name)
			if tc.want != "" && !strings.ContainsAny(verb, "qx") {
				assert.Equal(t, tc.want, text, "%s of %s", verb, name)
			}
		}
		var logged logBook
		logged.logger().Info("x", "value", tc.value)
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "value", tc.value)
		assert.NotContains(t, logged.String(), secret, name)
	}
}
