package webpubsub_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// nodeBase64 decodes like Node's Buffer.from(s, "base64"): it accepts either alphabet,
// ignores other characters, and stops at the padding.
func nodeBase64(s string) []byte {
	s, _, _ = strings.Cut(s, "=")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '+', r == '/':
			return r
		}
		return -1
	}, s)
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	data, _ := base64.RawStdEncoding.DecodeString(s)
	return data
}

// FuzzState decodes any header with Get, and encodes and decodes any value.
func FuzzState(f *testing.F) {
	for _, raw := range []string{
		"", "e30=", "eyJrIjoxfQ==", "eyJjb3VudGVyIjoiTWc9PSJ9", "%%%", `{"a":1}`, "bnVsbA==", "W10=", "====", "_-", b64(`{"a":null}`),
		"eyJrZXkxIjpbInZhbDMiXSwia2V5MiI6InZhbDIiLCJrZXkzIjoiIn0=", b64(`{"name":"\u0000","nested":{"a":{"b":[1e400]}}}`), b64(`{"a":"/w=="}`),
	} {
		f.Add(raw, "name", "значение", 7)
	}
	f.Fuzz(func(t *testing.T, raw, key, text string, number int) {
		for _, codec := range []webpubsub.StateCodec{webpubsub.StateJSON, webpubsub.StateDotNet} {
			state := webpubsub.State[map[string]any]{Codec: codec}
			got, err := state.Get(stateOf(raw))
			if err != nil {
				require.Empty(t, got, "nothing half decoded")
				var decode *webpubsub.DecodeError
				require.ErrorAs(t, err, &decode)
			}
			_, err = webpubsub.State[stateSession]{Codec: codec}.Get(stateOf(raw))
			if err == nil && raw != "" {
				require.NoError(t, json.Unmarshal(nodeBase64(raw), new(map[string]json.RawMessage)), "Node would read it as well")
			}

			if !utf8.ValidString(key) || !utf8.ValidString(text) {
				continue
			}
			want := map[string]any{key: text, key + "#": float64(int64(number) % (1 << 50)), "nested": map[string]any{key: []any{text, nil, true}}}
			h := wireHandler(t, onUserEvent(withState(webpubsub.Reply{}, state.Set(want)), nil))
			w := httptest.NewRecorder()
			h.ServeHTTP(w, wireRequest(t, "user_text"))
			header := w.Header().Values("ce-connectionState")
			if w.Code == http.StatusInternalServerError {
				require.Empty(t, header)
				require.Greater(t, len(key)+len(text), 250, "only a long one cannot be set")
				continue
			}
			require.Len(t, header, 1)
			got, err = state.Get(stateOf(header[0]))
			require.NoError(t, err)
			assert.Equal(t, want, got)

			var plain map[string]any
			require.NoError(t, json.Unmarshal(nodeBase64(header[0]), &plain))
			if codec == webpubsub.StateJSON {
				assert.Equal(t, want, plain, "as web-pubsub-express reads it")
			}
		}
	})
}

func TestNodeBase64(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"aGk=": "hi", "aGk": "hi", "a G\nk=zzz": "hi", "%%%": "", "_-8": "\xff\xef", "/+8=": "\xff\xef", "a": ""} {
		assert.Equal(t, want, string(nodeBase64(in)))
	}
}
