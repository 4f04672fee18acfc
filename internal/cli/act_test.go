package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// TestActions checks the JSON of each command that acts, against the shape in its help.
func TestActions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ args, want string }{
		"send all":                {"send all doors", `{"accepted": true, "all": true, "type": "text", "bytes": 5}`},
		"send nothing":            {"send all - --type binary", `{"accepted": true, "all": true, "type": "binary", "bytes": 0}`},
		"send group":              {"send group lobby {} --type json", `{"accepted": true, "group": "lobby", "type": "json", "bytes": 2}`},
		"send user":               {"send user ann doors", `{"accepted": true, "user": "ann", "type": "text", "bytes": 5}`},
		"send connection":         {"send connection CONNECTION doors", `{"accepted": true, "connection": "CONNECTION", "type": "text", "bytes": 5}`},
		"group add":               {"group add news more --user ann", `{"added": true, "groups": ["news", "more"], "user": "ann"}`},
		"group add connection":    {"group add news --connection CONNECTION", `{"added": true, "groups": ["news"], "connection": "CONNECTION"}`},
		"group remove":            {"group remove lobby --filter true", `{"removed": true, "groups": ["lobby"], "filter": "true"}`},
		"group close":             {"group close lobby", `{"closed": true, "group": "lobby"}`},
		"connection leave-groups": {"connection leave-groups CONNECTION", `{"removed": true, "connection": "CONNECTION"}`},
		"connection close":        {"connection close CONNECTION", `{"closed": true, "connection": "CONNECTION"}`},
		"connection close all":    {"connection close --all", `{"closed": true, "all": true}`},
		"user leave-groups":       {"user leave-groups ann", `{"removed": true, "user": "ann"}`},
		"user close":              {"user close ann", `{"closed": true, "user": "ann"}`},
		"permission grant":        {"permission grant SENDTOGROUP --group news --connection CONNECTION", `{"granted": true, "permission": "sendToGroup", "group": "news", "connection": "CONNECTION"}`},
		"permission revoke":       {"permission revoke sendToGroup --group news --connection CONNECTION", `{"revoked": true, "permission": "sendToGroup", "group": "news", "connection": "CONNECTION"}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := callService(t, emulator.Config{})
			var stdout, stderr strings.Builder
			args := strings.Fields(strings.ReplaceAll(tt.args, "CONNECTION", s.id) + " --hub chat -o json")
			env := environment(map[string]string{"WEBPUBSUB_CONNECTION_STRING": s.connectionString})
			require.Zero(t, cli.Main(args, env, strings.NewReader(""), &stdout, &stderr), stderr.String())
			assert.JSONEq(t, strings.ReplaceAll(tt.want, "CONNECTION", s.id), stdout.String())
		})
	}

	// Each command with --output json that asks nothing is in the table, with the members
	// of its help.
	each(cli.Root(environment(nil)), func(cmd *cobra.Command) {
		_, shape, acts := strings.Cut(cmd.Long, "Prints nothing if it succeeds. With --output json it prints\n")
		if !acts {
			return
		}
		name := strings.TrimPrefix(cmd.CommandPath(), "webpubsub ")
		require.Contains(t, tests, name)
		documented, got := map[string]any{}, map[string]any{}
		require.NoError(t, json.NewDecoder(strings.NewReader(shape)).Decode(&documented), shape)
		require.NoError(t, json.Unmarshal([]byte(tests[name].want), &got))
		for member := range got {
			if member != "filter" && member != "connection" { // in place of "user"
				assert.Contains(t, documented, member, name)
			}
		}
	})
}

// An action that fails prints no document.
func TestActionFails(t *testing.T) {
	t.Parallel()
	s := callService(t, emulator.Config{})
	env := map[string]string{"WEBPUBSUB_HUB": "chat", "WEBPUBSUB_CONNECTION_STRING": s.connectionString}
	checkRuns(t, cli.Main, []programRun{
		{name: "user", args: []string{"group", "add", "news", "--user", "ben", "-o", "json"}, env: env, code: 1, stderr: "golden:group_add_missing_user.txt"},
	})
}

// each calls f for each command that runs.
func each(cmd *cobra.Command, f func(*cobra.Command)) {
	for _, c := range cmd.Commands() {
		each(c, f)
	}
	if !cmd.HasSubCommands() {
		f(cmd)
	}
}
