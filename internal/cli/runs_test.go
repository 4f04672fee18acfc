package cli_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

var update = flag.Bool("update", false, "write golden files and generated documents anew")

// programRun is one run of the program, and all that it prints.
type programRun struct {
	name   string
	args   []string
	env    map[string]string
	stdin  string
	stdout string // or the name of a file in testdata, golden:name
	stderr string // the same
	code   int
	// replace has old and new texts for what differs from run to run, such as a port.
	replace []string
}

// mainFunction is cli.Main or a function like it.
type mainFunction func(args []string, env cli.Environment, stdin io.Reader, stdout, stderr io.Writer) int

// check runs the program for each run, and compares what it prints and returns.
func checkRuns(t *testing.T, program mainFunction, runs []programRun) {
	t.Helper()
	for _, r := range runs {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := program(r.args, environment(r.env), strings.NewReader(r.stdin), &stdout, &stderr)
			replacer := strings.NewReplacer(r.replace...)
			compare(t, r.stdout, replacer.Replace(stdout.String()), "stdout")
			compare(t, r.stderr, replacer.Replace(stderr.String()), "stderr")
			assert.Equal(t, r.code, code, "exit code")
			assert.NotContains(t, stdout.String()+stderr.String(), secret)
		})
	}
}

// compare compares a text with the one wanted, which is in a file for golden:name.
func compare(t *testing.T, want, got, what string) {
	t.Helper()
	if name, ok := strings.CutPrefix(want, "golden:"); ok {
		golden(t, filepath.Join("testdata", name), got)
		return
	}
	assert.Equal(t, want, got, what)
}

// golden compares a text with a file. The flag -update writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run make golden")
	assert.Equal(t, string(want), got, "%s; run make golden", path)
}
