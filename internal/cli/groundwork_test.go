package cli_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// probe runs subcommands of the command probe, which exists only in tests.
func probe(t *testing.T) mainFunction {
	return func(args []string, env cli.Environment, stdin io.Reader, stdout, stderr io.Writer) int {
		return cli.Probe(t.Context(), args, env, stdin, stdout, stderr)
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{AccessKeys: []string{secret}})
	ours, endpoint := emu.ConnectionString, strings.TrimSuffix(strings.TrimPrefix(strings.Split(emu.ConnectionString, ";")[0], "Endpoint="), "/")
	const (
		other   = "Endpoint=https://other.test;AccessKey=" + secret + ";"
		keyless = "Endpoint=https://other.test;"
		help    = "Run 'webpubsub probe service --help' for usage.\n"
		helpKey = "Run 'webpubsub probe key --help' for usage.\n"
		answer  = "service.Client(ENDPOINT, hub \"chat\") false\n"
		key     = "true 38 Endpoint=https://other.test;AccessKey=REDACTED;Version=1.0;\n"
	)
	replace := []string{endpoint, "ENDPOINT"}
	file := write(t, other+"\n")
	long := write(t, strings.Repeat(" ", 4097))
	type env = map[string]string
	ask := func(args ...string) []string { return append([]string{"service", "ann"}, args...) }
	tell := func(args ...string) []string { return append([]string{"key"}, args...) }
	checkRuns(t, probe(t), []programRun{
		{name: "flag", args: ask("--hub", "chat", "--connection-string", ours), stdout: answer, replace: replace},
		{name: "environment", args: ask(), env: env{"WEBPUBSUB_HUB": "chat", "WEBPUBSUB_CONNECTION_STRING": ours}, stdout: answer, replace: replace},
		{name: "stdin", args: ask("--hub", "chat", "--connection-string-file", "-"), stdin: ours + "\n", stdout: answer, replace: replace},
		{name: "file", args: tell("--connection-string-file", file), stdout: key},
		{name: "file of the environment", args: tell(), env: env{"WEBPUBSUB_CONNECTION_STRING_FILE": file}, stdout: key},
		{name: "flag before environment", args: tell("--connection-string", other), env: env{"WEBPUBSUB_CONNECTION_STRING": ours, "WEBPUBSUB_ENDPOINT": "https://x.test"}, stdout: key},
		{
			name: "none", args: ask("--hub", "chat"), code: 2,
			stderr: "webpubsub: no service, set WEBPUBSUB_CONNECTION_STRING (\"webpubsub emulator\" prints one), or --endpoint for Entra ID\n" + help,
		},
		{
			name: "two flags", args: ask("--hub", "chat", "--endpoint", endpoint, "--connection-string", ours), code: 2,
			stderr: "webpubsub: --connection-string and --endpoint are set, want one of them\n" + help,
		},
		{
			name: "two variables", args: ask("--hub", "chat"), code: 2, env: env{"WEBPUBSUB_CONNECTION_STRING": ours, "WEBPUBSUB_CONNECTION_STRING_FILE": file},
			stderr: "webpubsub: WEBPUBSUB_CONNECTION_STRING and WEBPUBSUB_CONNECTION_STRING_FILE are set, want one of them\n" + help,
		},
		{name: "no hub", args: ask("--connection-string", ours), code: 2, stderr: "webpubsub: --hub is missing, want the name of a hub\n" + help},
		{
			name: "bad hub", args: ask("--hub", "my-hub", "--connection-string", ours), code: 2,
			stderr: "webpubsub: --hub \"my-hub\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)\n" + help,
		},
		{
			name: "no key", args: ask("--hub", "chat", "--connection-string", keyless), code: 2,
			stderr: "webpubsub: --connection-string: connection string has no AccessKey; for Entra ID, use --endpoint https://other.test\n" + help,
		},
		{
			name: "no connection string", args: ask("--hub", "chat"), env: env{"WEBPUBSUB_CONNECTION_STRING": secret}, code: 2,
			stderr: "webpubsub: WEBPUBSUB_CONNECTION_STRING: connection string: part 1 has no =, want Endpoint=…;AccessKey=…; as \"az webpubsub key show\" prints it, or \"webpubsub emulator\" its own\n" + help,
		},
		{name: "connection string as a file", args: tell("--connection-string-file", other), code: 2, stderr: "webpubsub: --connection-string-file: file (a connection string): no such file or directory\n" + helpKey},
		{name: "long file", args: tell("--connection-string-file", long), code: 2, stderr: "webpubsub: --connection-string-file: file \"FILE\": longer than 4096 bytes\n" + helpKey, replace: []string{long, "FILE"}},
		{
			name: "Entra ID over http", args: ask("--hub", "chat", "--endpoint", "http://other.test"), code: 2,
			stderr: "webpubsub: --endpoint: service: new client: http://other.test is not https, want https for Entra tokens\n" + help,
		},
	})
}

// TestEntra calls an emulator with a token of a managed identity, played by a server.
func TestEntra(t *testing.T) {
	emu := emulator.Start(t, emulator.Config{TrustTokens: true})
	identity := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "https://webpubsub.azure.com", r.FormValue("resource"))
		assert.Equal(t, secret, r.Header.Get("X-IDENTITY-HEADER"))
		_, _ = io.WriteString(w, `{"access_token": "a token", "expires_on": "4102444800", "resource": "https://webpubsub.azure.com", "token_type": "Bearer"}`)
	}))
	t.Cleanup(identity.Close)
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential") // azidentity reads the process's environment
	t.Setenv("IDENTITY_ENDPOINT", identity.URL)
	t.Setenv("IDENTITY_HEADER", secret)
	endpoint := strings.TrimPrefix(strings.Split(emu.ConnectionString, ";")[0], "Endpoint=")
	var stdout, stderr strings.Builder
	code := probe(t)([]string{"service", "ann", "--hub", "chat", "--endpoint", endpoint}, environment(nil), nil, &stdout, &stderr)
	assert.Equal(t, 0, code)
	assert.Equal(t, "service.Client("+endpoint+", hub \"chat\") false\n", stdout.String())
	assert.Empty(t, stderr.String())
}

func TestArguments(t *testing.T) {
	t.Parallel()
	const help = "Run 'webpubsub probe read --help' for usage.\n"
	file := write(t, "a file")
	checkRuns(t, probe(t), []programRun{
		{name: "itself", args: []string{"read", "text"}, stdout: "\"text\"\n"},
		{name: "empty", args: []string{"read", ""}, stdout: "\"\"\n"},
		{name: "stdin", args: []string{"read", "-"}, stdin: "in\x00", stdout: "\"in\\x00\"\n"},
		{name: "stdin as a file", args: []string{"read", "@-"}, stdin: "in", stdout: "\"in\"\n"},
		{name: "file", args: []string{"read", "@" + file}, stdout: "\"a file\"\n"},
		{name: "at sign", args: []string{"read", "@@ann"}, stdout: "\"@ann\"\n"},
		{name: "at the limit", args: []string{"read", "-"}, stdin: "12345678", stdout: "\"12345678\"\n"},
		{name: "too long", args: []string{"read", "123456789"}, code: 2, stderr: "webpubsub: ARGUMENT: longer than 8 bytes\n" + help},
		{name: "stdin too long", args: []string{"read", "-"}, stdin: "123456789", code: 2, stderr: "webpubsub: ARGUMENT: longer than 8 bytes\n" + help},
		{name: "no name", args: []string{"read", "@"}, code: 2, stderr: "webpubsub: ARGUMENT: want the name of a file after @, or @@ for the character itself\n" + help},
		{name: "no file", args: []string{"read", "@none"}, code: 2, stderr: "webpubsub: ARGUMENT: file \"none\": no such file or directory\n" + help},
		{name: "missing", args: []string{"read"}, code: 2, stderr: "webpubsub: an argument is missing, want: webpubsub probe read ARGUMENT [flags]\n" + help},
		{name: "two", args: []string{"read", "a", "b"}, code: 2, stderr: "webpubsub: unexpected argument \"b\", want: webpubsub probe read ARGUMENT [flags]\n" + help},
	})
}

func TestOutput(t *testing.T) {
	t.Parallel()
	const help = "Run 'webpubsub probe result --help' for usage.\n"
	checkRuns(t, probe(t), []programRun{
		{name: "default", args: []string{"result"}, stdout: "a <b>\n"},
		{name: "text", args: []string{"result", "--output", "text"}, stdout: "a <b>\n"},
		{name: "json", args: []string{"result", "-o", "json"}, stdout: "{\n  \"text\": \"a <b>\"\n}\n"},
		{name: "environment", args: []string{"result"}, env: map[string]string{"WEBPUBSUB_OUTPUT": "json"}, stdout: "{\n  \"text\": \"a <b>\"\n}\n"},
		{name: "unknown", args: []string{"result", "--output", "xml"}, code: 2, stderr: "webpubsub: --output \"xml\": want text or json\n" + help},
		{name: "unknown in the environment", args: []string{"result"}, env: map[string]string{"WEBPUBSUB_OUTPUT": "xml"}, code: 2, stderr: "webpubsub: WEBPUBSUB_OUTPUT \"xml\": want text or json\n" + help},
		{name: "the answer is no", args: []string{"no"}, stdout: "no\n", code: 1},
	})
}

func TestFamily(t *testing.T) {
	t.Parallel()
	const help = "Run 'webpubsub probe --help' for usage.\n"
	checkRuns(t, probe(t), []programRun{
		{name: "misspelt", args: []string{"raed", "--hub", "chat"}, code: 2, stderr: "webpubsub: unknown command \"raed\" for \"webpubsub probe\", did you mean read?\n" + help},
		{name: "unknown", args: []string{"sing"}, code: 2, stderr: "webpubsub: unknown command \"sing\" for \"webpubsub probe\", want one of service, key, read, result, paint, no\n" + help},
		{name: "flag", args: []string{"--hub"}, code: 2, stderr: "webpubsub: want a command before flag \"--hub\"\n" + help},
	})
	checkRuns(t, cli.Main, []programRun{
		{name: "control character", args: []string{"version", "--\x1b[2J"}, code: 2, stderr: "webpubsub: unknown flag: --\\x1b[2J\nRun 'webpubsub version --help' for usage.\n"},
		{name: "help of a misspelt command", args: []string{"help", "emulater"}, code: 2, stderr: "webpubsub: unknown command \"emulater\" for \"webpubsub\", did you mean emulator?\nRun 'webpubsub help --help' for usage.\n"},
		{name: "help of a command below one without", args: []string{"help", "version", "go"}, code: 2, stderr: "webpubsub: unknown command \"go\" for \"webpubsub version\", it has no commands\nRun 'webpubsub help --help' for usage.\n"},
	})
	for _, args := range [][]string{nil, {"-h"}, {"--help"}} {
		var stdout, stderr strings.Builder
		assert.Equal(t, 0, probe(t)(args, environment(nil), nil, &stdout, &stderr))
		assert.Contains(t, stdout.String(), "webpubsub probe COMMAND")
		assert.Empty(t, stderr.String())
	}
}

func TestPalette(t *testing.T) {
	t.Parallel()
	const plain = "bold faint red green yellow cyan"
	paint := func(t *testing.T, env map[string]string) string {
		screen, tty := openTerminal(t)
		require.Equal(t, 0, probe(t)([]string{"paint"}, environment(env), nil, tty, io.Discard))
		return strings.TrimSpace(screen.line())
	}
	assert.Equal(t, "\x1b[1mbold\x1b[0m \x1b[2mfaint\x1b[0m \x1b[31mred\x1b[0m \x1b[32mgreen\x1b[0m \x1b[33myellow\x1b[0m \x1b[36mcyan\x1b[0m", paint(t, map[string]string{"TERM": "xterm", "NO_COLOR": ""}))
	assert.Equal(t, plain, paint(t, map[string]string{"NO_COLOR": "1"}))
	assert.Equal(t, plain, paint(t, map[string]string{"TERM": "dumb"}))
	checkRuns(t, probe(t), []programRun{{name: "pipe", args: []string{"paint"}, stdout: plain + " \n"}})
}

// TestMisplacedKey checks that a connection string in a wrong place is not printed.
func TestMisplacedKey(t *testing.T) {
	t.Parallel()
	const key = "Endpoint=https://h.test;AccessKey=" + secret + ";"
	for _, args := range [][]string{
		{key}, {"emulator", key}, {"emulator", "--connection-string", key}, {"emulator", "--" + key}, {"emulator", "--max-groups", key},
		{"emulator", "--addr", key}, {"emulator", "--settings", key}, {"emulator", "--hub", key}, {"emulator", "--upstream", key}, {"emulator", "--hub", "a", "--upstream", key},
		{"version", "-o", key}, {"completion", key}, {"settings", key}, {"settings", "--hub", key}, {"settings", "--hub", "a", "--service", key}, {"help", key},
	} {
		var stdout, stderr strings.Builder
		cli.Main(args, environment(nil), nil, &stdout, &stderr)
		assert.NotContains(t, stdout.String()+stderr.String(), secret, "%q", args)
	}
}

func TestTypedArgument(t *testing.T) {
	t.Parallel()
	screen, tty := openTerminal(t)
	screen.types("typed\r\x04") // Ctrl+D
	require.Equal(t, 0, probe(t)([]string{"read", "-"}, environment(nil), tty, tty, tty))
	assert.Equal(t, "typed\r\n\"typed\\n\"", screen.until("\\n\""))
}

// TestInterruptedRead checks that a command that waits for stdin ends with its context.
func TestInterruptedRead(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	stdin, typed := io.Pipe()
	waiting := readSignal{stdin, make(chan struct{})}
	go func() {
		<-waiting.reading
		cancel()
	}()
	var stderr strings.Builder
	assert.Equal(t, 1, cli.Probe(ctx, []string{"read", "-"}, environment(nil), waiting, io.Discard, &stderr))
	assert.Equal(t, "webpubsub: interrupted\n", stderr.String())
	require.NoError(t, typed.Close())
}

// readSignal closes reading when somebody reads.
type readSignal struct {
	io.Reader
	reading chan struct{}
}

func (r readSignal) Read(p []byte) (int, error) {
	close(r.reading)
	return r.Reader.Read(p)
}
