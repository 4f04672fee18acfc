package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for shell, want := range map[string]string{
		"bash":       "complete -o default -F __start_webpubsub webpubsub",
		"zsh":        "#compdef webpubsub",
		"fish":       "complete -c webpubsub",
		"powershell": "Register-ArgumentCompleter -CommandName 'webpubsub'",
	} {
		var stdout, stderr strings.Builder
		assert.Equal(t, 0, cli.Main([]string{"completion", shell}, environment(nil), nil, &stdout, &stderr))
		assert.Contains(t, stdout.String(), want)
		assert.Empty(t, stderr.String())
	}
	checkRuns(t, cli.Main, []programRun{
		{name: "unknown shell", args: []string{"completion", "tcsh"}, code: 2, stderr: "webpubsub: shell \"tcsh\": want bash, zsh, fish or powershell\nRun 'webpubsub completion --help' for usage.\n"},
		{name: "no shell", args: []string{"completion"}, code: 2, stderr: "webpubsub: an argument is missing, want: webpubsub completion bash|zsh|fish|powershell [flags]\nRun 'webpubsub completion --help' for usage.\n"},
	})
}

// TestCompletions asks what the scripts ask the program.
func TestCompletions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typed string
		want  []string
	}{
		{"em", []string{"emulator"}},
		{"help em", []string{"emulator"}},
		{"completion p", []string{"powershell"}},
		{"version --out", []string{"--output"}},
		{"version --output ", []string{"text", "json"}},
		{"emulator --log-format ", []string{"text", "json"}},
		{"group list -o ", []string{"text", "json"}},
		{"send all x --type ", []string{"text", "json", "binary"}},
		{"permission grant s", []string{"sendToGroup"}},
		{"connect --protocol ", []string{"json.reliable", "json", "protobuf.reliable", "protobuf", "raw"}},
		{"emulator --access", []string{"--access-key-file"}},
	} {
		var stdout, stderr strings.Builder
		cli.Main(append([]string{"__complete"}, strings.Split(tt.typed, " ")...), environment(nil), nil, &stdout, &stderr)
		var got []string
		for line := range strings.Lines(stdout.String()) {
			if word, _, _ := strings.Cut(strings.TrimSpace(line), "\t"); !strings.HasPrefix(word, ":") {
				got = append(got, word)
			}
		}
		assert.Equal(t, tt.want, got, tt.typed)
	}
}
