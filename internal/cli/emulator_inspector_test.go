package cli_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

var inspectorLine = regexp.MustCompile(`(?m)^inspector          (http://localhost:\d+/inspector/)#token=([A-Z2-7]{26})$`)

func TestEmulatorServesItsInspector(t *testing.T) {
	t.Parallel()
	r := start(t, nil)
	line := inspectorLine.FindStringSubmatch(r.said)
	require.NotNil(t, line, "%s", r.said)
	page := strings.Replace(line[1], "localhost", "127.0.0.1", 1)
	for path, want := range map[string]int{"": http.StatusOK, "state": http.StatusOK} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+path, nil)
		require.NoError(t, err)
		req.Header.Set("Inspector-Token", line[2])
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, want, resp.StatusCode, path)
	}
	require.NoError(t, r.stop())
	assert.NotContains(t, r.logged.String(), line[2])
}

func TestEmulatorWithoutInspector(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"off":                    {nil, []string{"--inspector=false"}, ""},
		"off by the environment": {map[string]string{"WEBPUBSUB_EMULATOR_INSPECTOR": "false"}, nil, ""},
		"not on loopback":        {nil, []string{"--addr", "0.0.0.0:0"}, "inspector          off, since others can reach this address\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, tt.env, tt.args...)
			if tt.want == "" {
				assert.NotContains(t, r.said, "inspector")
			} else {
				assert.Contains(t, r.said, tt.want)
			}
			port := r.endpoint[strings.LastIndexByte(r.endpoint, ':')+1:]
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+"/inspector/", nil)
			require.NoError(t, err)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusNotFound, resp.StatusCode)
			require.NoError(t, r.stop())
		})
	}
}

func TestEmulatorInsecureInspector(t *testing.T) {
	t.Parallel()
	r := start(t, nil, "--addr", "0.0.0.0:0", "--insecure-inspector")
	assert.Regexp(t, `(?m)^inspector          http://localhost:\d+/inspector/#token=`, r.said)
	require.NoError(t, r.stop())

	for want, args := range map[string][]string{
		"--inspector: others can reach the address of --addr, and the inspector shows and changes everything; want a loopback address, or --insecure-inspector": {"--addr", "0.0.0.0:0", "--inspector"},
		"--inspector-records -1: want a positive number, or 0 for 20000":                                                                                        {"--inspector-records", "-1"},
	} {
		err := cli.Exec(t.Context(), append([]string{"emulator"}, args...), environment(nil), nil, new(strings.Builder), new(strings.Builder))
		require.EqualError(t, err, want)
	}
}
