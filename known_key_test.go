package webpubsub_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestKnownKeyIsWarnedOf(t *testing.T) {
	t.Parallel()
	const (
		key   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"
		local = "Endpoint=http://localhost;Port=8080;AccessKey=" + key + ";Version=1.0;"
		other = "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + key + ";Version=1.0;"
	)
	keys := func(connectionStrings ...string) webpubsub.Config {
		k, err := webpubsub.NewAccessKeys(connectionStrings...)
		require.NoError(t, err)
		return webpubsub.Config{Verifier: k}
	}
	either := func(cfg webpubsub.Config) webpubsub.Config {
		return webpubsub.Config{Verifier: webpubsub.AnyVerifier{cfg.Verifier}}
	}
	for name, tt := range map[string]struct {
		cfg  webpubsub.Config
		host string // empty: no warning
	}{
		"of the emulator":            {webpubsub.Config{ConnectionStrings: []string{local}}, "localhost"},
		"twice":                      {webpubsub.Config{ConnectionStrings: []string{local, local}}, "localhost"},
		"of two services":            {webpubsub.Config{ConnectionStrings: []string{local, other}}, "localhost, contoso.webpubsub.azure.com"},
		"beside one that is secret":  {webpubsub.Config{ConnectionStrings: []string{wireConnectionString, other}}, "contoso.webpubsub.azure.com"},
		"in AccessKeys":              {keys(wireConnectionString, local), "localhost"},
		"in AccessKeys of several":   {either(keys(wireConnectionString, local)), "localhost"},
		"secret":                     {webpubsub.Config{ConnectionStrings: []string{wireConnectionString, "Endpoint=https://b.com;AccessKey=another"}}, ""},
		"secret in AccessKeys":       {keys(wireConnectionString), ""},
		"no keys yet":                {webpubsub.Config{Verifier: new(webpubsub.AccessKeys)}, ""},
		"verification is turned off": {webpubsub.Config{Verifier: webpubsub.InsecureSkipVerify{}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, logger := debugLog()
			tt.cfg.Logger = logger
			h, err := webpubsub.NewHandler(tt.cfg)
			require.NoError(t, err)
			_, err = webpubsub.NewHubMux(map[string]*webpubsub.Handler{"chat": h})
			require.NoError(t, err)
			wireServe(h, validation(t))
			assert.NotContains(t, log.String(), key)
			records := logged(t, log)
			if tt.host == "" {
				assert.Empty(t, records)
				return
			}
			require.Len(t, records, 1, "once for a handler")
			assert.Equal(t, map[string]any{
				"level": "WARN",
				"msg": "webpubsub: an access key is the public key of the local emulator: " +
					"anyone who can reach this handler can send it events of any user; in production, use the connection string of your own service",
				"host": tt.host,
			}, records[0])
		})
	}
}
