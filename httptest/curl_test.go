package httptest_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// words splits a command as a POSIX shell does, with quotes and continued lines.
func words(tb testing.TB, command string) []string {
	tb.Helper()
	var out []string
	var word strings.Builder
	inWord, quoted := false, false
	for i := 0; i < len(command); i++ {
		c := command[i]
		switch {
		case quoted && c == '\'':
			quoted = false
		case quoted:
			word.WriteByte(c)
		case c == '\'':
			quoted, inWord = true, true
		case c == '\\' && command[i+1] == '\n':
			i++
		case c == '\\':
			i++
			word.WriteByte(command[i])
			inWord = true
		case c == ' ' || c == '\n':
			if inWord {
				out = append(out, word.String())
			}
			word.Reset()
			inWord = false
		default:
			require.NotContains(tb, "$`\"&|;<>()*?[]#~!{}", string(c), "an unquoted character that means something to a shell")
			word.WriteByte(c)
			inWord = true
		}
	}
	require.False(tb, quoted)
	if inWord {
		out = append(out, word.String())
	}
	return out
}

func TestCurl(t *testing.T) {
	t.Parallel()
	const text = "it's $HOME `id` \"x\"\n\\ @file &"
	const address = "http://[::1]:8080/it's/{event}?a=1&b=2"
	svc := httptest.New(nil, &httptest.Options{URL: address})
	command, err := svc.Curl("message", text)
	require.NoError(t, err)
	assert.NotContains(t, command, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", "no key")

	args := words(t, command)
	require.Equal(t, []string{"curl", "-i", "--globoff"}, args[:3])
	u, err := url.Parse(args[3])
	require.NoError(t, err)
	assert.Equal(t, "/it's/message", u.Path)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, args[3], nil)
	require.NoError(t, err)
	for rest := args[4:]; len(rest) > 0; rest = rest[2:] {
		switch rest[0] {
		case "-H":
			name, value, ok := strings.Cut(rest[1], ": ")
			require.True(t, ok)
			req.Header.Add(name, value)
		case "--data-raw":
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(rest[1])), int64(len(rest[1]))
		default:
			require.Fail(t, "unknown option", rest[0])
		}
	}
	answer, err := httptest.New(newHandler(t, fullConfig()), nil).Do(req)
	require.NoError(t, err)
	assert.Equal(t, 200, answer.Status)
	assert.Equal(t, text, string(answer.Body))
}

func TestCurlOfAURL(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:3000/eventhandler"
	want, err := httptest.New(nil, &httptest.Options{URL: url}).Curl("message", "hello")
	require.NoError(t, err)
	got := httptest.Curl(url, "message", "hello")
	own := regexp.MustCompile(`(?m)^  -H 'ce-time: .*$`)
	assert.Equal(t, own.ReplaceAllString(want, ""), own.ReplaceAllString(got, ""))
	assert.Contains(t, got, "'ce-signature: "+webpubsub.Sign("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", "curl")+"'")
	assert.NotContains(t, got, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH")
	assert.Panics(t, func() { httptest.Curl("/eventhandler", "message", "hello") })
	assert.Panics(t, func() { httptest.Curl(url, "", "hello") })
}

// A signature allows its reader to send any event of the connection, so a command
// never has one by a key that could be a secret.
func TestCurlSignsWithTheKnownKeyOnly(t *testing.T) {
	t.Parallel()
	const url, secret = "http://127.0.0.1:3000/eventhandler", "s3cr3t"
	command, err := httptest.New(nil, &httptest.Options{URL: url, SecondaryKey: secret}).Curl("message", "hello")
	require.NoError(t, err)
	assert.NotContains(t, command, webpubsub.Sign(secret, "curl"))

	command, err = httptest.New(nil, &httptest.Options{URL: url, ConnectionString: "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + secret}).Curl("message", "hello")
	require.EqualError(t, err, "httptest: curl: the key of contoso.webpubsub.azure.com may be a secret, and a command shows its signature to anyone who reads it: "+
		"use ConnectionString, whose key is public, for the handler and the service")
	assert.Empty(t, command)
}

func TestCurlRefuses(t *testing.T) {
	t.Parallel()
	svc := httptest.New(nil, &httptest.Options{URL: "http://app.test"})
	_, err := svc.Curl("message", "a\x00b")
	require.Error(t, err)
	_, err = svc.Curl("", "text")
	require.Error(t, err)
	_, err = svc.Curl("a\nb: c", "text")
	require.Error(t, err)
}
