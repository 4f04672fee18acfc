package upstream_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

func TestCurl(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://app.test/it's?a=1", http.NoBody)
	require.NoError(t, err)
	req.Header = http.Header{"Ce-Eventname": {"say"}, "Ce-Connectionstate": {""}, "X-Webpubsub-Metadata-A": {"1", "it's"}}
	command, err := upstream.Curl(req, "$HOME")
	require.NoError(t, err)
	assert.Equal(t, strings.Join([]string{
		`curl -i --globoff 'http://app.test/it'\''s?a=1'`,
		`  -H 'ce-connectionState;'`,
		`  -H 'ce-eventName: say'`,
		`  -H 'X-WebPubSub-Metadata-a: 1'`,
		`  -H 'X-WebPubSub-Metadata-a: it'\''s'`,
		`  -H 'Content-Type:'`,
		`  --data-raw '$HOME'`,
	}, " \\\n"), command)

	for _, body := range []string{"a\x00b", "\xff"} {
		_, err = upstream.Curl(req, body)
		require.EqualError(t, err, "the body has a NUL byte or is not UTF-8, which no command line can hold")
	}
	req.Header.Set("Ce-Eventname", "a\nb: c")
	_, err = upstream.Curl(req, "")
	require.EqualError(t, err, "request header Ce-Eventname has a byte 0xa that cannot be sent")
}

// A terminal into which a command is pasted would act on control characters.
func TestQuoteControls(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                 `''`,
		"it's":             `'it'\''s'`,
		"a\n\tb":           "'a\n\tb'",
		"\x03\nid\n":       `''"$(printf '\003')"'` + "\nid\n'",
		"\x1b[201~":        `''"$(printf '\033')"'[201~'`,
		"\u009b31m \x7f é": `''"$(printf '\302\233')"'31m '"$(printf '\177')"' é'`,
	} {
		assert.Equal(t, want, upstream.Quote(in))
	}
}

func TestCurlMethods(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{
		http.MethodPost:   "curl -i --globoff 'http://app.test/' \\\n  -H 'Content-Type:' \\\n  --data-raw ''",
		http.MethodPut:    "curl -i --globoff -X 'PUT' 'http://app.test/' \\\n  -H 'Content-Type:' \\\n  --data-raw ''",
		http.MethodDelete: "curl -i --globoff -X 'DELETE' 'http://app.test/'",
		http.MethodGet:    "curl -i --globoff -X 'GET' 'http://app.test/'",
		http.MethodHead:   "curl -i --globoff --head 'http://app.test/'",
	} {
		req, err := http.NewRequestWithContext(t.Context(), method, "http://app.test/", http.NoBody)
		require.NoError(t, err)
		command, err := upstream.Curl(req, "")
		require.NoError(t, err)
		assert.Equal(t, want, command)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://app.test/", http.NoBody)
	require.NoError(t, err)
	req.Header["@/etc/passwd"] = []string{"a"}
	_, err = upstream.Curl(req, "")
	require.ErrorContains(t, err, `request header "@/etc/passwd": want a name of letters`)
}
