package routers_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCheck runs "webpubsub check" on the handler in each router. It must pass without a
// warning.
func TestCheck(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "webpubsub")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/webpubsub")
	build.Dir = filepath.Join("..", "..")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	for name, start := range allRouters() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := newHandler(t)
			check := exec.CommandContext(t.Context(), program, "check", start(t, h)+"/webhooks/{hub}", "--hub", "chat", "--output", "json")
			check.Env = append(check.Environ(), "WEBPUBSUB_CONNECTION_STRING=Endpoint=https://"+origin+";AccessKey="+key+";Version=1.0;")
			output, err := check.Output()
			require.NoError(t, err, "%s", output)
			var report struct {
				Status         string
				Passed, Warned int
				Checks         []struct {
					ID, Status string
					Problems   []string
				}
			}
			require.NoError(t, json.Unmarshal(output, &report))
			assert.Equal(t, "passed", report.Status)
			assert.Zero(t, report.Warned)
			assert.Equal(t, len(report.Checks)-1, report.Passed)
			for _, c := range report.Checks {
				assert.Empty(t, c.Problems, c.ID)
			}
		})
	}
}
