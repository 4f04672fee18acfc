//go:build linux

package emulator_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// open opens the stream of a server's inspector and reads it, as a page does, until the
// benchmark ends.
func open(b *testing.B, s *server) {
	b.Helper()
	url, token, found := strings.Cut(s.inspector, "#token=")
	require.True(b, found)
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url+"records", nil)
	require.NoError(b, err)
	req.Header.Set("Inspector-Token", token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(b, err)
	require.Equal(b, http.StatusOK, resp.StatusCode)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, resp.Body)
	}()
	b.Cleanup(func() {
		_ = resp.Body.Close()
		<-done
	})
}

// BenchmarkInspector sends texts to 1,000 members of a group, at 100,000 frames a minute
// and as fast as they go, and reports the processor time of the emulator per frame until all
// members have it: without an inspector, with the inspector's page closed, and with the
// page open. open-total-x includes what the page's stream costs afterwards.
func BenchmarkInspector(b *testing.B) {
	for _, protocol := range []struct{ name, subprotocol string }{{"json", jsonProtocol}, {"reliable", reliableProtocol}} {
		for _, pace := range []struct {
			name string
			time time.Duration // between messages
		}{{"paced", time.Minute / (100_000 / crowdSize)}, {"fast", 0}} {
			b.Run(protocol.name+" "+pace.name, func(b *testing.B) {
				crowds := []*crowd{
					newCrowd(b, crowdSize, "emulator", protocol.subprotocol), newCrowd(b, crowdSize, "emulator", protocol.subprotocol),
					newCrowd(b, crowdSize, "inspected", protocol.subprotocol), newCrowd(b, crowdSize, "inspected", protocol.subprotocol),
				}
				open(b, crowds[3].server)
				for _, c := range crowds {
					c.publish(b, 20) // buffers have grown
					c.spent = 0
				}
				tick := time.NewTicker(max(pace.time, 1))
				defer tick.Stop()
				var before [4]time.Duration
				for i, c := range crowds {
					before[i] = c.server.time(b).Processor
				}
				for b.Loop() {
					<-tick.C
					for _, c := range crowds {
						c.publish(b, 1)
					}
				}
				var spent [4]float64
				for i, c := range crowds { // what a stream costs between messages counts, too
					spent[i] = float64(c.server.time(b).Processor - before[i])
				}
				alone := float64(crowds[0].spent)
				b.ReportMetric(alone/float64(b.N*crowdSize), "emulator-ns/msg")
				b.ReportMetric(float64(crowds[1].spent)/alone, "again-x")
				b.ReportMetric(float64(crowds[2].spent)/alone, "closed-x")
				b.ReportMetric(float64(crowds[3].spent)/alone, "open-x")
				b.ReportMetric(spent[3]/spent[0], "open-total-x")
			})
		}
	}
}
