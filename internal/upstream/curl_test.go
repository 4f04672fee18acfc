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
