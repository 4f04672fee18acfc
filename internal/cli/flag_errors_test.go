package cli_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// badValues are values that each flag of a name refuses, whichever command has it.
func badValues() map[string]string {
	return map[string]string{
		"access-key-file": "none", "addr": "none", "auth-resource": "a b", "claim": "a", "concurrency": "0",
		"connection": "a/\n", "connection-string": "none", "connection-string-file": "none", "content-type": "a\n",
		"client-certificate": "none",
		"decode":             "none", "endpoint": "ftp://none", "events": "1st", "exclude": "", "filter": "name",
		"format": "arm", "forward": "none", "from-handler": "none", "group": " ", "group-events": "begun", "group-filter": "a\n",
		"header": "a", "hub": "my-hub", "inspector-bytes": "-1", "inspector-records": "-1", "json": "{", "lifetime": "0", "log-format": "xml", "max-groups": "x", "metadata": "a",
		"mqtt": "4", "mqtt-property": "a", "origin": "a b", "other-connection-string": "none", "output": "xml", "page-size": "201", "protocol": "none",
		"query": "a", "raw-role": " ", "repeat": "0", "reply-json": "{", "resource-group": "a.", "role": "nobody", "scenario": "none",
		"service": "a_b", "settings": "none", "state": "a\n", "subprotocol": "a\n", "system-events": "begun", "timeout": "0s",
		"top": "-1", "trust-host": "a b", "ttl": "1500ms", "type": "xml", "upstream": "none", "url": "none", "url-file": "none", "user": "a/\n",
		"user-events": "a\n", "validate": "a/b",
	}
}

// anyValue lists flags that take any text.
var anyValue = []string{"binary", "data", "mqtt-password", "mqtt-username", "reason", "reply"}

// badFlags returns the arguments of a command with a bad value of a flag.
func badFlags(cmd *cobra.Command, flag, value string) []string {
	name := strings.TrimPrefix(cmd.CommandPath(), "webpubsub ")
	args := strings.Fields(name)
	args = append(args, map[string][]string{
		"check": {"http://h.test/"}, "connection close": {"--all"}, "connection exists": {"c"}, "connection leave-groups": {"c"},
		"group add": {"g"}, "group remove": {"g"}, "group close": {"g"}, "group list": {"g"}, "group exists": {"g"},
		"permission check": {"sendToGroup"}, "permission grant": {"sendToGroup"}, "permission revoke": {"sendToGroup"},
		"send all": {"m"}, "send group": {"g", "m"}, "send user": {"u", "m"}, "send connection": {"c", "m"},
		"sign": {"c"}, "verify": {"c", "sha256=00"}, "user close": {"u"}, "user exists": {"u"}, "user leave-groups": {"u"},
		"trigger": {"connect", "http://h.test/"},
	}[name]...)
	set := map[string]string{"hub": "chat", "upstream": "http://h.test/", "group": "g", "connection": "c", "from-handler": "http://h.test/", "group-events": "joined"}
	skip := []string{flag}
	switch {
	case name == "trigger":
		skip = append(skip, "group", "connection")
		if slices.Contains([]string{"json", "content-type", "metadata"}, flag) {
			args = []string{"trigger", "event", "say", "http://h.test/"}
		}
		if flag == "group" {
			args = []string{"trigger", "joined", "http://h.test/"}
		}
		if flag == "scenario" {
			args = []string{"trigger", "http://h.test/"}
			skip = append(skip, "hub")
		}
	case name == "token" && flag == "decode":
		skip = append(skip, "hub", "group")
	case name == "group add" || name == "group remove":
		if flag != "connection" && flag != "filter" && flag != "user" {
			set["user"] = "u"
		}
		skip = append(skip, "connection")
	case name == "settings":
		if flag != "from-handler" && !strings.HasPrefix(flag, "connection-string") {
			skip = append(skip, "from-handler")
		}
	case name == "connect":
		skip = append(skip, "group")
		if flag == "url" || flag == "url-file" {
			skip = append(skip, "hub")
		}
	case name == "emulator":
		skip = append(skip, "from-handler", "hub", "upstream")
		if flag == "upstream" {
			args = append(args, "--hub=a")
		}
	}
	for _, other := range []string{"hub", "upstream", "group", "connection", "from-handler", "group-events", "user"} {
		if v, ok := set[other]; ok && cmd.Flags().Lookup(other) != nil && !slices.Contains(skip, other) {
			args = append(args, "--"+other+"="+v)
		}
	}
	return append(args, "--"+flag+"="+value)
}

// TestBadFlags gives each flag of each command a bad value. The error names the flag as
// it was typed, and nothing of the program.
func TestBadFlags(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	bad := badValues()
	each(cli.Root(environment(nil)), func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			value, known := bad[f.Name]
			switch {
			case f.Value.Type() == "bool":
				value, known = "perhaps", true
			case slices.Contains(anyValue, f.Name):
				return
			case (f.Name == "group" || f.Name == "connection") && cmd.Name() == "permission":
				value = "a/b"
			}
			require.True(t, known, "%s --%s: no bad value is known", cmd.CommandPath(), f.Name)
			used[f.Name] = true
			t.Run(cmd.CommandPath()+" --"+f.Name, func(t *testing.T) {
				t.Parallel()
				env := map[string]string{}
				if f.Name != "connection-string" && f.Name != "connection-string-file" && f.Name != "endpoint" && f.Name != "url" && f.Name != "url-file" {
					env["WEBPUBSUB_CONNECTION_STRING"] = emulator.ConnectionString("http://127.0.0.1:1", secret)
				}
				var stdout, stderr strings.Builder
				args := badFlags(cmd, f.Name, value)
				code := cli.Main(args, environment(env), strings.NewReader(""), &stdout, &stderr)
				message, help, _ := strings.Cut(stderr.String(), "\nRun '")
				assert.Equal(t, 2, code, "%q: %s", args, stderr.String())
				assert.Contains(t, message, "webpubsub: --"+f.Name)
				assert.True(t, strings.HasPrefix(help, cmd.CommandPath()+" --help'"), stderr.String())
				assert.Empty(t, stdout.String())
				assert.NotRegexp(t, `\b[A-Z][a-z]+[A-Z]\w*|\w\[\d+\]|strconv|service: |client: |emulator: |rule: `, strings.ReplaceAll(stderr.String(), "AccessKey", ""), "a Go name")
			})
		})
	})
	for name := range bad {
		assert.True(t, used[name], "no command has --%s", name)
	}
}
