package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// FuzzUserEvent passes any payload of any media type to typed functions.
func FuzzUserEvent(f *testing.F) {
	for _, contentType := range []string{"application/json", "text/plain; charset=utf-8", "application/octet-stream", "APPLICATION/X-PROTOBUF", "application/xml", "", ";"} {
		for _, body := range []string{"", "null", "{}", `{"items":[{"name":"a"},{}],"next":{"items":[]}}`, `{"byName":{"x]":{}}}`, "[1,2", "\xff", `"s"`, `{"items":[{"name":"\ud800"}]}`} {
			f.Add([]byte(body), contentType)
		}
	}
	order := wireHandler(f, withFallback(webpubsub.JSON(echoJSON[typedOrder])))
	anything := wireHandler(f, withFallback(webpubsub.JSON(echoJSON[any])))
	text := wireHandler(f, withFallback(webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, in string) (string, error) { return in, nil })))
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		serve := func(h http.Handler) *http.Response {
			edit := func(r *http.Request) { r.Header["Content-Type"] = []string{contentType} }
			return wireServe(h, wireRequest(t, "user_text", wireBody(string(body)), edit))
		}
		media, _, _ := strings.Cut(contentType, ";")
		media = strings.ToLower(strings.TrimSpace(media))
		isText, isJSON := media == "text/plain", media == "application/json"

		resp := serve(order)
		assert.Contains(t, []int{200, 400, 415}, resp.StatusCode)
		assert.Less(t, len(wireText(t, resp)), 8192+8*len(body), "an answer is bounded by what was asked")

		resp = serve(anything)
		switch {
		case !isText && !isJSON:
			assert.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode)
		case !json.Valid(body) || !utf8.Valid(body):
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
		case resp.StatusCode == http.StatusOK:
			var sent, got any
			require.NoError(t, json.Unmarshal(body, &sent))
			require.NoError(t, json.NewDecoder(resp.Body).Decode(&got))
			assert.Equal(t, sent, got)
		default: // a number that is none in Go, such as 1e999
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
			require.Error(t, json.Unmarshal(body, new(any)))
		}

		resp = serve(text)
		if !isText {
			assert.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode)
			return
		}
		answer := wireText(t, resp)
		if resp.StatusCode == http.StatusOK {
			assert.Equal(t, string(body), answer)
			_, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
			require.NoError(t, err)
			return
		}
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
		assert.NotEqual(t, body, bytes.ToValidUTF8(body, nil), "only what is not UTF-8 is refused")
	})
}
