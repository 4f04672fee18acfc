package upstream_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

func TestInvalidTemplates(t *testing.T) {
	t.Parallel()
	const hostRule = "host is neither an IP address nor a name of letters, digits, hyphens and underscores, in parts of 1 to 63 separated by dots"
	for _, tc := range []struct{ name, template, want string }{
		{"S123 parameter in the host", "http://{hub}.com", `"http://{hub}.com": parameters are not allowed in the host`},
		{"parameter in the host, query follows", "http://{event}?x", `"http://{event}?…": parameters are not allowed in the host`},
		{"parameter in the host, fragment follows", "http://{event}#x", `"http://{event}#x": parameters are not allowed in the host`},
		{"empty", "", `"": want an absolute http or https URL`},
		{"relative", "/a", `"/a": want an absolute http or https URL`},
		{"scheme", "tunnel:///a", `"tunnel:///a": want an absolute http or https URL`},
		{"no host", "http:///a", `"http:///a": the host is missing`},
		{"no host before a port", "http://:80/a", `"http://:80/a": the host is missing`},
		{"port too large", "http://h:99999/?code=x", `"http://h:99999/?…": port 99999: want a number from 1 to 65535`},
		{"port 0", "http://h:0/", `"http://h:0/": port 0: want a number from 1 to 65535`},
		{"port without end", "http://h:18446744073709551617/", `"http://h:18446744073709551617/": port 18446744073709551617: want a number from 1 to 65535`},
		{"port in words", "http://h:http/", `"http://h:http/": not a URL`},
		{"no name", "http://*/", `"http://*/": ` + hostRule},
		{"dots", "http://../", `"http://../": ` + hostRule},
		{"part too long", "http://" + strings.Repeat("a", 64) + ".test", `"http://` + strings.Repeat("a", 64) + `.test": ` + hostRule},
		{"name longer than any", "http://" + strings.Repeat("a.", 127) + "a", `"http://` + strings.Repeat("a.", 127) + `a": host is longer than 253 bytes`},
		{"other parameter", "http://h/{user}", `"http://h/{user}": the only parameters are {hub} and {event}; other braces must be percent-encoded`},
		{"user", "http://u:pw@h/", `"http://…@h/": user information and fragment are not allowed`},
		{"user without scheme", "u:pw@h/?code=1", `"…@h/?…": want an absolute http or https URL`},
		{"fragment", "http://h/#f", `"http://h/#f": user information and fragment are not allowed`},
		{"space", "http://h/a b", `"http://h/a b": path and query have a character that must be percent-encoded, or a % that encodes none`},
		{"line feed", "http://h\n/", `"http://h\n/": not a URL`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := upstream.ParseTemplate(tc.template)
			require.EqualError(t, err, tc.want)
		})
	}
}

func TestTemplatesWithUnusualHosts(t *testing.T) {
	t.Parallel()
	for _, template := range []string{
		"http://localhost:1", "http://localhost:65535", "http://h:/a", "http://h.test.:80", "http://[::1]:80/", "http://[fe80::1%25lo]/", "http://10.0.0.1",
		"http://web_app-1:80/", "http://bücher.test/", "http://xn--bcher-kva.test/", "http://" + strings.Repeat("a.", 127),
	} {
		_, err := upstream.ParseTemplate(template)
		require.NoError(t, err, template)
	}
}

func TestUE123TemplateResolve(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, template, event, want string }{
		{"dotted name", "http://h.test/api/{HUB}/{event}", "room.a", "http://h.test/api/chat/room.a"},
		{"escaped in the path", "http://h.test/api/{hub}/{Event}", "a b/c?d", "http://h.test/api/chat/a%20b%2Fc%3Fd"},
		{"escaped in the query", "http://h.test/?e={event}&code=1", "a&code=2#x+%", "http://h.test/?e=a%26code%3D2%23x%2B%25&code=1"},
		{"query", "https://h.test/api?code=1&e={event}", "say", "https://h.test/api?code=1&e=say"},
		{"no parameters", "http://h.test:7071/api", "say", "http://h.test:7071/api"},
		{"name like a parameter", "http://h.test/{event}", "{hub}", "http://h.test/%7Bhub%7D"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			template, err := upstream.ParseTemplate(tc.template)
			require.NoError(t, err)
			u, err := template.Resolve("chat", tc.event)
			require.NoError(t, err)
			assert.Equal(t, tc.want, u.String())
		})
	}
}

func TestTemplateRefusesDots(t *testing.T) {
	t.Parallel()
	template, err := upstream.ParseTemplate("http://h.test/api/{hub}/{event}")
	require.NoError(t, err)
	_, err = template.Resolve("..", "say")
	require.EqualError(t, err, `hub "..": would change the path of the URL`)
	_, err = template.Resolve("chat", ".")
	require.EqualError(t, err, `event ".": would change the path of the URL`)
	u, err := template.Resolve("...", "a..")
	require.NoError(t, err)
	assert.Equal(t, "http://h.test/api/.../a..", u.String())
}

// FuzzTemplate searches for a template and names that change the host or the number
// of path elements or query parameters.
func FuzzTemplate(f *testing.F) {
	f.Add("http://h.test/{hub}/{event}?e={EVENT}", "chat", "room.a")
	f.Add("https://h.test:1/a", "a[b],`", "x")
	f.Add("http://h{hub}/", "@evil", "..")
	f.Add("http://h/{event}", "/../", "?#%2f")
	f.Fuzz(func(t *testing.T, text, hubName, event string) {
		template, err := upstream.ParseTemplate(text)
		if err != nil {
			return
		}
		u, err := template.Resolve(hubName, event)
		if err != nil {
			dots := []string{".", ".."}
			require.True(t, slices.Contains(dots, hubName) || slices.Contains(dots, event), err)
			return
		}
		assert.Contains(t, []string{"http", "https"}, u.Scheme)
		assert.NotEmpty(t, u.Hostname())
		plain, err := template.Resolve("h", "e")
		require.NoError(t, err)
		assert.Equal(t, plain.Host, u.Host)
		assert.Equal(t, strings.Count(plain.EscapedPath(), "/"), strings.Count(u.EscapedPath(), "/"))
		assert.Equal(t, strings.Count(plain.RawQuery, "&"), strings.Count(u.RawQuery, "&"))
		assert.Empty(t, u.Fragment)
	})
}
