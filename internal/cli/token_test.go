package cli_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// made runs a command that succeeds at the first second of 2026 and returns its output.
func made(t *testing.T, env map[string]string, stdin string, args ...string) (stdout string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))) //nolint:forbidigo // sets the clock of the bubble
		var out, errs strings.Builder
		require.NoError(t, cli.Exec(t.Context(), args, environment(env), strings.NewReader(stdin), &out, &errs))
		assert.Empty(t, errs.String())
		stdout = out.String()
	})
	return stdout
}

const tokenService = "Endpoint=https://svc.test;AccessKey=" + secret + ";"

func TestToken(t *testing.T) {
	t.Parallel()
	env := map[string]string{"WEBPUBSUB_CONNECTION_STRING": tokenService, "WEBPUBSUB_HUB": "chat"}
	for name, tt := range map[string]struct {
		args   []string
		base   string
		query  string
		claims jwt.MapClaims
	}{
		"nothing": {base: "wss://svc.test/client/hubs/chat", claims: jwt.MapClaims{"aud": "https://svc.test/client/hubs/chat", "exp": 1767229200.0}},
		"all": {
			args: []string{
				"--user", "ann", "--role", "webpubsub.sendToGroup", "--raw-role", "admin", "--group", "a", "--group", "b,c", "--lifetime", "90s", "--query", "q=1",
			},
			base: "wss://svc.test/client/hubs/chat", query: "&q=1",
			claims: jwt.MapClaims{"aud": "https://svc.test/client/hubs/chat", "exp": 1767225690.0, "sub": "ann", "role": []any{"webpubsub.sendToGroup", "admin"}, "webpubsub.group": []any{"a", "b,c"}},
		},
		"mqtt": {
			args: []string{"--protocol", "mqtt"}, base: "wss://svc.test/clients/mqtt/hubs/chat",
			claims: jwt.MapClaims{"aud": "https://svc.test/clients/mqtt/hubs/chat", "exp": 1767229200.0},
		},
		"socketio": {
			args: []string{"--protocol", "socketio"}, base: "wss://svc.test/clients/socketio/hubs/chat",
			claims: jwt.MapClaims{"aud": "https://svc.test/clients/socketio/hubs/chat", "exp": 1767229200.0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := made(t, env, "", append([]string{"token"}, tt.args...)...)
			u := made(t, env, "", append([]string{"token", "--url-only"}, tt.args...)...)
			lines := strings.Split(text, "\n")
			require.Len(t, lines, 4)
			assert.Equal(t, "url      "+u, lines[0]+"\n")
			token := strings.TrimPrefix(lines[1], "token    ")
			assert.Equal(t, tt.base+"?access_token="+token+tt.query+"\n", u)
			claims := jwt.MapClaims{}
			_, err := jwt.NewParser(jwt.WithoutClaimsValidation()).ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(secret), nil })
			require.NoError(t, err)
			assert.InDelta(t, 1767225600, claims["iat"], 0)
			delete(claims, "iat")
			assert.Equal(t, tt.claims, claims)
		})
	}
	assert.True(t, strings.HasSuffix(made(t, env, "", "token"), "\nexpires  in 60 minutes, at 2026-01-01T01:00:00Z\n"))
	out := made(t, env, "", "token", "-o", "json")
	assert.Regexp(t, `^\{\n  "url": "wss://svc\.test/client/hubs/chat\?access_token=(ey[^"]+)",\n  "baseUrl": "wss://svc\.test/client/hubs/chat",\n  "token": "ey[^"]+",\n  "expires": "2026-01-01T01:00:00Z"\n\}\n$`, out)
}

// With Entra ID, the service makes the token. The credential is that of a managed identity,
// played by a server.
func TestTokenOfTheService(t *testing.T) {
	emu := emulator.Start(t, emulator.Config{TrustTokens: true, AccessKeys: []string{secret}})
	identity := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"access_token": "a token", "expires_on": "4102444800", "resource": "https://webpubsub.azure.com", "token_type": "Bearer"}`)
	}))
	t.Cleanup(identity.Close)
	t.Setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential") // azidentity reads the process's environment
	t.Setenv("IDENTITY_ENDPOINT", identity.URL)
	t.Setenv("IDENTITY_HEADER", "x")
	endpoint := strings.TrimPrefix(strings.Split(emu.ConnectionString, ";")[0], "Endpoint=")
	var stdout, stderr strings.Builder
	code := cli.Main([]string{"token", "--url-only", "--hub", "chat", "--endpoint", endpoint, "--user", "ann"}, environment(nil), nil, &stdout, &stderr)
	require.Zero(t, code, "%s", &stderr)
	u, err := url.Parse(strings.TrimSpace(stdout.String()))
	require.NoError(t, err)
	assert.Equal(t, "/client/hubs/chat", u.Path)
	claims := jwt.MapClaims{}
	_, err = jwt.ParseWithClaims(u.Query().Get("access_token"), claims, func(*jwt.Token) (any, error) { return []byte(secret), nil })
	require.NoError(t, err)
	assert.Equal(t, "ann", claims["sub"])
}

func TestTokenDecode(t *testing.T) {
	t.Parallel()
	const header, signature = `{"alg":"HS256","typ":"JWT"}`, "c2lnbmF0dXJl"
	encode := func(header, claims string) string {
		return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + signature
	}
	token := encode(header, `{"sub":"ann","exp":1767225720,"n":12345678901234567890}`)
	const text = "not verified: anyone can write such a token\nalgorithm  HS256\nexpires    in 2 minutes, at 2026-01-01T00:02:00Z\n{\n  \"exp\": 1767225720,\n  \"n\": 12345678901234567890,\n  \"sub\": \"ann\"\n}\n"
	for name, given := range map[string]string{
		"alone": token, "in a URL": "wss://svc.test/client/hubs/chat?x=y&access_token=" + token, "in a header": "Bearer " + token, "with space": " " + token + "\n",
	} {
		assert.Equal(t, text, made(t, nil, "", "token", "--decode", given), name)
		assert.Equal(t, text, made(t, nil, given, "token", "--decode", "-"), name)
	}
	assert.Equal(t, text, made(t, nil, "", "token", "--decode", "@"+write(t, token)))
	compare(t, "{\n  \"verified\": false,\n  \"header\": {\n    \"alg\": \"HS256\",\n    \"typ\": \"JWT\"\n  },\n  \"claims\": {\n    \"exp\": 1767225720,\n    \"n\": 12345678901234567890,\n    \"sub\": \"ann\"\n  },\n"+
		"  \"expires\": \"2026-01-01T00:02:00Z\",\n  \"expired\": false\n}\n", made(t, nil, "", "token", "--decode", token, "-o", "json"), "stdout")
	assert.NotContains(t, made(t, nil, "", "token", "--decode", token), signature)

	const never = "never, which the service refuses: the claim exp is missing or no time"
	for claims, want := range map[string]string{
		`{"exp":1767225600}`: "expired 0 seconds ago, at 2026-01-01T00:00:00Z", `{"exp":1767225601}`: "in 1 second, at 2026-01-01T00:00:01Z",
		`{"exp":1767225719}`: "in 119 seconds, at 2026-01-01T00:01:59Z", `{"exp":1767232799}`: "in 119 minutes, at 2026-01-01T01:59:59Z",
		`{"exp":1767232800}`: "in 2 hours, at 2026-01-01T02:00:00Z", `{"exp":1767398399}`: "in 47 hours, at 2026-01-02T23:59:59Z",
		`{"exp":1767398400}`: "in 2 days, at 2026-01-03T00:00:00Z", `{"exp":1767225600.9}`: "expired 0 seconds ago, at 2026-01-01T00:00:00Z",
		`{"exp":0}`: "expired 20454 days ago, at 1970-01-01T00:00:00Z", `{}`: never, `{"exp":"x"}`: never, `{"exp":1e300}`: never, `{"exp":null}`: never,
	} {
		assert.Contains(t, made(t, nil, "", "token", "--decode", encode(header, claims)), "\nexpires    "+want+"\n", claims)
	}
	out := made(t, nil, "", "token", "--decode", encode("{\"alg\":\"no\u009bne\"}", "{\"a\u202e\":\"\\u001b[2J\u009b\"}"))
	assert.Contains(t, out, "algorithm  no\\u009bne\n")
	assert.Contains(t, out, `{`+"\n"+`  "a\u202e": "\u001b[2J\u009b"`+"\n}")
	out = made(t, nil, "", "token", "--decode", encode("{}", "{\"a\u202e\":\"\u009b\x7f\U000e0001ü\"}"), "-o", "json")
	assert.Contains(t, out, `"a\u202e": "\u009b\u007f\udb40\udc01ü"`)
}

func TestTokenUsage(t *testing.T) {
	t.Parallel()
	const help = "Run 'webpubsub token --help' for usage.\n"
	const noToken = "webpubsub: --decode: not a token, want a JWT: three parts in base64url, separated by dots\n" + help
	token := func(args ...string) []string {
		return append([]string{"token", "--hub", "chat", "--connection-string", tokenService}, args...)
	}
	checkRuns(t, cli.Main, []programRun{
		{name: "user", args: token("--user", "a\n"), code: 2, stderr: "webpubsub: --user: want UTF-8 without control characters, which the header ce-userId cannot have\n" + help},
		{name: "misspelt role", args: token("--role", "sendToGroup.g"), code: 2, stderr: "webpubsub: --role: role \"sendToGroup.g\" is unknown to the service, which ignores it; did you mean \"webpubsub.sendToGroup.g\"?; for a role of your own use --raw-role\n" + help},
		{name: "group", args: token("--group", " "), code: 2, stderr: "webpubsub: --group: group \" \": want 1 to 1024 characters of UTF-8, not blank, without line feed\n" + help},
		{name: "lifetime", args: token("--lifetime", "-1s"), code: 2, stderr: "webpubsub: --lifetime -1s: want more than 0, such as 1h or 30m\n" + help},
		{name: "protocol", args: token("--protocol", "mqtt5"), code: 2, stderr: "webpubsub: --protocol \"mqtt5\": did you mean mqtt?\n" + help},
		{name: "another protocol", args: token("--protocol", "xyz"), code: 2, stderr: "webpubsub: --protocol \"xyz\": want one of default, mqtt, socketio\n" + help},
		{name: "query", args: token("--query", "a"), code: 2, stderr: "webpubsub: --query \"a\": want name=value\n" + help},
		{name: "reserved query", args: token("--query", "access_token=a"), code: 2, stderr: "webpubsub: --query: name \"access_token\": access_token and awps_… are reserved for the service\n" + help},
		{name: "no hub", args: []string{"token", "--connection-string", tokenService}, code: 2, stderr: "webpubsub: --hub is missing, want the name of a hub\n" + help},
		{name: "decode and make", args: token("--decode", "x"), code: 2, stderr: "webpubsub: --decode and --hub: want one of them\n" + help},
		{name: "no token", args: []string{"token", "--decode", secret}, code: 2, stderr: noToken},
		{name: "empty token", args: []string{"token", "--decode", ""}, code: 2, stderr: noToken},
		{name: "no base64", args: []string{"token", "--decode", "a.%.c"}, code: 2, stderr: noToken},
		{name: "no JSON", args: []string{"token", "--decode", "YQ.YQ.YQ"}, code: 2, stderr: noToken},
		{name: "long token", args: []string{"token", "--decode", "-"}, stdin: strings.Repeat("x", 64<<10+1), code: 2, stderr: "webpubsub: --decode: longer than 65536 bytes\n" + help},
		{name: "argument", args: token("x"), code: 2, stderr: "webpubsub: unexpected argument \"x\", want: webpubsub token [flags]\n" + help},
	})
}

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	env := map[string]string{"WEBPUBSUB_CONNECTION_STRING": tokenService}
	signature := webpubsub.Sign(secret, "c1")
	other := webpubsub.Sign("another", "c1")
	const no = "no: not a signature of this connection id by the access key of svc.test\n"
	const helpSign, helpVerify = "Run 'webpubsub sign --help' for usage.\n", "Run 'webpubsub verify --help' for usage.\n"
	keyless := map[string]string{"WEBPUBSUB_CONNECTION_STRING": "Endpoint=https://svc.test;"}
	checkRuns(t, cli.Main, []programRun{
		{name: "sign", args: []string{"sign", "c1"}, env: env, stdout: signature + "\n"},
		{name: "sign stdin", args: []string{"sign", "-"}, stdin: "c1\n", env: env, stdout: signature + "\n"},
		{name: "sign as JSON", args: []string{"sign", "c1", "-o", "json"}, env: env, stdout: "{\n  \"connectionId\": \"c1\",\n  \"signature\": \"" + signature + "\"\n}\n"},
		{name: "sign nothing", args: []string{"sign", ""}, env: env, code: 2, stderr: "webpubsub: CONNECTION_ID: is empty\n" + helpSign},
		{name: "sign a long id", args: []string{"sign", strings.Repeat("x", 4097)}, env: env, code: 2, stderr: "webpubsub: CONNECTION_ID: longer than 4096 bytes\n" + helpSign},
		{name: "sign without a service", args: []string{"sign", "c1"}, code: 2, stderr: "webpubsub: no service, set WEBPUBSUB_CONNECTION_STRING (\"webpubsub emulator\" prints one)\n" + helpSign},
		{name: "sign without a key", args: []string{"sign", "c1"}, env: keyless, code: 2, stderr: "webpubsub: WEBPUBSUB_CONNECTION_STRING: connection string has no AccessKey\n" + helpSign},
		{name: "sign for Entra ID", args: []string{"sign", "c1", "--endpoint", "https://svc.test"}, code: 2, stderr: "webpubsub: unknown flag: --endpoint\n" + helpSign},
		{name: "yes", args: []string{"verify", "c1", signature}, env: env, stdout: "yes\n"},
		{name: "one of two", args: []string{"verify", "c1", other + "," + signature}, env: env, stdout: "yes\n"},
		{name: "upper case, from stdin", args: []string{"verify", "c1", "-"}, stdin: "sha256=" + strings.ToUpper(signature[7:]) + "\n", env: env, stdout: "yes\n"},
		{name: "yes as JSON", args: []string{"verify", "c1", signature, "-o", "json"}, env: env, stdout: "{\n  \"connectionId\": \"c1\",\n  \"valid\": true\n}\n"},
		{name: "another key", args: []string{"verify", "c1", other}, env: env, stdout: no, code: 1},
		{name: "another connection", args: []string{"verify", "c2", signature}, env: env, stdout: no, code: 1},
		{name: "no prefix", args: []string{"verify", "c1", signature[7:]}, env: env, stdout: no, code: 1},
		{name: "cut", args: []string{"verify", "c1", signature[:70]}, env: env, stdout: no, code: 1},
		{name: "empty", args: []string{"verify", "c1", ""}, env: env, stdout: no, code: 1},
		{name: "no as JSON", args: []string{"verify", "c1", other, "-o", "json"}, env: env, stdout: "{\n  \"connectionId\": \"c1\",\n  \"valid\": false\n}\n", code: 1},
		{name: "no signature", args: []string{"verify", "c1"}, env: env, code: 2, stderr: "webpubsub: an argument is missing, want: webpubsub verify CONNECTION_ID SIGNATURE [flags]\n" + helpVerify},
		{name: "empty id", args: []string{"verify", "", signature}, env: env, code: 2, stderr: "webpubsub: CONNECTION_ID: is empty\n" + helpVerify},
		{name: "long signature", args: []string{"verify", "c1", strings.Repeat("x", 4097)}, env: env, code: 2, stderr: "webpubsub: SIGNATURE: longer than 4096 bytes\n" + helpVerify},
	})
}

// A URL that token prints opens a connection; see also the examples of the commands.
func TestTokenURLIsOne(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(strings.TrimSpace(made(t, nil, "", "token", "--url-only", "--hub", "chat", "--connection-string", tokenService, "--query", "a b=ü&")))
	require.NoError(t, err)
	assert.Equal(t, "ü&", u.Query().Get("a b"))
}

// FuzzDecodeToken checks that nothing in a token of a stranger reaches the terminal that
// does not print.
func FuzzDecodeToken(f *testing.F) {
	f.Add(`{"sub":"ann","exp":1767225720}`)
	f.Add(`{"a":"\u001b[2J","exp":-1e18}`)
	f.Add("{\"\u009b\":[null,1.5]}")
	f.Fuzz(func(t *testing.T, claims string) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, token := range []string{claims, "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".x"} {
			text, expiry, err := cli.LookInto(token, now)
			if err != nil {
				assert.NotContains(t, err.Error(), "ann")
				continue
			}
			for _, r := range text + expiry {
				require.True(t, unicode.IsPrint(r) || strings.ContainsRune("\n\t\u200c\u200d", r), "%q", r)
			}
		}
	})
}
