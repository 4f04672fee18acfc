package cli_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/internal/version"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	text := "webpubsub " + version.Version + " " + runtime.Version() + "\n" // a test binary has no other version
	checkRuns(t, cli.Main, []programRun{
		{name: "command", args: []string{"version"}, stdout: text},
		{name: "flag", args: []string{"--version"}, stdout: text},
		{name: "argument", args: []string{"version", "go"}, code: 2, stderr: "webpubsub: unexpected argument \"go\", want: webpubsub version [flags]\nRun 'webpubsub version --help' for usage.\n"},
	})
	var stdout, stderr strings.Builder
	require.Equal(t, 0, cli.Main([]string{"version", "-o", "json"}, environment(nil), nil, &stdout, &stderr))
	var got map[string]string
	require.NoError(t, json.Unmarshal([]byte(stdout.String()), &got))
	assert.Equal(t, map[string]string{"version": version.Version, "build": "", "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH}, got)
}
