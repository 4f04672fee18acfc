package dispatch_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/dispatch"
)

func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	const (
		at       = `hub "chat", event handler 0: `
		hostRule = "host is neither an IP address nor a name of letters, digits, hyphens and underscores, in parts of 1 to 63 separated by dots"
	)
	for _, tc := range []struct {
		name    string
		handler dispatch.Handler
		want    string
	}{
		{"S123 parameter in the host", dispatch.Handler{URLTemplate: "http://{hub}.com"}, `url template "http://{hub}.com": parameters are not allowed in the host`},
		{"parameter in the host, query follows", dispatch.Handler{URLTemplate: "http://{event}?x"}, `url template "http://{event}?…": parameters are not allowed in the host`},
		{"parameter in the host, fragment follows", dispatch.Handler{URLTemplate: "http://{event}#x"}, `url template "http://{event}#x": parameters are not allowed in the host`},
		{"empty", dispatch.Handler{}, `url template "": want an absolute http or https URL`},
		{"relative", dispatch.Handler{URLTemplate: "/a"}, `url template "/a": want an absolute http or https URL`},
		{"scheme", dispatch.Handler{URLTemplate: "tunnel:///a"}, `url template "tunnel:///a": want an absolute http or https URL`},
		{"no host", dispatch.Handler{URLTemplate: "http:///a"}, `url template "http:///a": the host is missing`},
		{"no host before a port", dispatch.Handler{URLTemplate: "http://:80/a"}, `url template "http://:80/a": the host is missing`},
		{"port too large", dispatch.Handler{URLTemplate: "http://h:99999/?code=x"}, `url template "http://h:99999/?…": port 99999 is none: want a number from 1 to 65535`},
		{"port 0", dispatch.Handler{URLTemplate: "http://h:0/"}, `url template "http://h:0/": port 0 is none: want a number from 1 to 65535`},
		{"port without end", dispatch.Handler{URLTemplate: "http://h:18446744073709551617/"}, `url template "http://h:18446744073709551617/": port 18446744073709551617 is none: want a number from 1 to 65535`},
		{"port in words", dispatch.Handler{URLTemplate: "http://h:http/"}, `url template "http://h:http/": not a URL`},
		{"no name", dispatch.Handler{URLTemplate: "http://*/"}, `url template "http://*/": ` + hostRule},
		{"dots", dispatch.Handler{URLTemplate: "http://../"}, `url template "http://../": ` + hostRule},
		{"part too long", dispatch.Handler{URLTemplate: "http://" + strings.Repeat("a", 64) + ".test"}, `url template "http://` + strings.Repeat("a", 64) + `.test": ` + hostRule},
		{"name longer than any", dispatch.Handler{URLTemplate: "http://" + strings.Repeat("a.", 127) + "a"}, `url template "http://` + strings.Repeat("a.", 127) + `a": host is longer than 253 bytes`},
		{"other parameter", dispatch.Handler{URLTemplate: "http://h/{user}"}, `url template "http://h/{user}": the only parameters are {hub} and {event}; other braces must be percent-encoded`},
		{"user", dispatch.Handler{URLTemplate: "http://u:pw@h/"}, `url template "http://…@h/": user information and fragment are not allowed`},
		{"fragment", dispatch.Handler{URLTemplate: "http://h/#f"}, `url template "http://h/#f": user information and fragment are not allowed`},
		{"system event", dispatch.Handler{URLTemplate: "http://h", SystemEvents: []string{"joined"}}, `system event "joined" is none of connect, connected, disconnected`},
		{"group event", dispatch.Handler{URLTemplate: "http://h", GroupEvents: []string{"connect"}}, `group event "connect" is none of joined, left`},
		{"pattern", dispatch.Handler{URLTemplate: "http://h", UserEventPattern: `a,b\`}, `user event pattern "b\\": pattern has a backslash before a character other than \, * or ?`},
		{"filter", dispatch.Handler{URLTemplate: "http://h", GroupFilters: []string{""}}, `group filter "": pattern is empty or not UTF-8`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, dispatch.New(dispatch.Config{}).SetHub("chat", []dispatch.Handler{tc.handler}), at+tc.want)
		})
	}
}

// What can be dialled is a template, though it be unusual.
func TestHostsThatAreTemplates(t *testing.T) {
	t.Parallel()
	for _, template := range []string{
		"http://localhost:1", "http://localhost:65535", "http://h:/a", "http://h.test.:80", "http://[::1]:80/", "http://[fe80::1%25lo]/", "http://10.0.0.1",
		"http://web_app-1:80/", "http://bücher.test/", "http://xn--bcher-kva.test/", "http://" + strings.Repeat("a.", 127),
	} {
		require.NoError(t, dispatch.New(dispatch.Config{}).SetHub("chat", []dispatch.Handler{{URLTemplate: template}}), template)
	}
}

// FuzzTemplate looks for a template or a name that moves an event to another
// host, or out of its place in the path.
func FuzzTemplate(f *testing.F) {
	f.Add("http://h.test/{hub}/{event}?e={EVENT}", "chat", "room.a")
	f.Add("https://h.test:1/a", "a[b],`", "x")
	f.Add("http://h{hub}/", "@evil", "..")
	f.Add("http://h/{event}", "/../", "?#%2f")
	f.Fuzz(func(t *testing.T, template, hubName, event string) {
		u, err := dispatch.Resolve(template, hubName, event)
		if err != nil {
			require.Nil(t, u)
			return
		}
		assert.Contains(t, []string{"http", "https"}, u.Scheme)
		assert.NotEmpty(t, u.Hostname())
		fixed, err := dispatch.Resolve(template, "h", "e")
		require.NoError(t, err, "whether a template is good does not depend on the names")
		assert.Equal(t, fixed.Host, u.Host)
		assert.Equal(t, strings.Count(fixed.EscapedPath(), "/"), strings.Count(u.EscapedPath(), "/"))
		assert.Equal(t, strings.Count(fixed.RawQuery, "&"), strings.Count(u.RawQuery, "&"))
		assert.Empty(t, u.Fragment)
	})
}
