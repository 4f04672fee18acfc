package emulator_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// Clients that are refused do not push everything else out, also while a page is open. With
// a private key, they can be those of any web page.
func TestInspectorBoundsRecordsOfStrangers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{AccessKeys: []string{strings.Repeat("k", 40)}, Inspector: &emulator.Inspector{InsecureNonLoopback: true}})
		_, token, _ := strings.Cut(r.server.InspectorURL(""), "#token=")
		p := &page{r, token}
		stream := p.request(http.MethodGet, "records", "")
		defer stream.Body.Close()
		const clients = 300
		for range clients {
			_, resp := r.try(base+"/client/hubs/chat", http.Header{"Origin": {"https://evil.test"}})
			require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			stranger := r.resume("an-id", "a token")
			_, _, err := stranger.conn.Read(t.Context())
			require.Error(t, err)
		}
		kept := p.get("export")
		for _, kind := range []string{"client.handshake", "client.refused", "client.recoveryRefused"} {
			assert.Equal(t, 100, strings.Count(kept, `"kind":"`+kind+`"`), kind)
		}
		assert.Equal(t, 300, strings.Count(kept, "\n"), "and nothing else")
	})
}
