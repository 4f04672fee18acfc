package token_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/token"
)

const audience = "http://h/client/hubs/a[b]"

func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

func newKeys(texts ...string) *token.Keys { return token.NewKeys(noon, texts...) }

func TestVerifyAcceptsMadeTokens(t *testing.T) {
	t.Parallel()
	text := newKeys("primary").Make(audience, time.Hour, "ann", []string{"r1", "r2"}, []string{"g"})
	for _, allowed := range []string{audience, strings.ToUpper(audience)} {
		claims, err := newKeys("other", "primary").Verify(text, "http://x", allowed)
		require.NoError(t, err)
		delete(claims, "iat")
		assert.Equal(t, map[string][]string{
			"aud": {audience}, "sub": {"ann"}, "role": {"r1", "r2"}, "webpubsub.group": {"g"},
			"nbf": {"1893499200"}, "exp": {"1893502800"},
		}, claims)
	}
	_, err := newKeys("other").Verify(text, audience)
	require.ErrorIs(t, err, token.ErrInvalid)
	_, err = newKeys("primary").Verify(text, "http://h/client/hubs/b")
	require.ErrorIs(t, err, token.ErrInvalid)
	require.EqualError(t, err, `invalid token: audience ["`+audience+`"], want "http://h/client/hubs/b"`)
}

func TestVerifyDecodesAudience(t *testing.T) {
	t.Parallel()
	keys := newKeys("k")
	text := keys.Make("http://h/client/hubs/a%5Bb%5D", time.Hour, "", nil, nil)
	_, err := keys.Verify(text, audience)
	require.NoError(t, err)
}

func TestVerifyRejectsOtherAlgorithms(t *testing.T) {
	t.Parallel()
	claims := jwt.MapClaims{"aud": audience, "exp": noon().Add(time.Hour).Unix()}
	for _, method := range []jwt.SigningMethod{jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
		text, err := jwt.NewWithClaims(method, claims).SignedString([]byte("k"))
		require.NoError(t, err)
		_, err = newKeys("k").Verify(text, audience)
		require.ErrorIs(t, err, token.ErrInvalid)
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{"": "", "Bearer": "", "Bearer  a ": "a", "bEARER a": "a", "Basic a": "", "Bearera": ""} {
		assert.Equal(t, want, token.Bearer(http.Header{"Authorization": {header}}), "%q", header)
	}
}

// FuzzVerify checks that only signed tokens are accepted.
func FuzzVerify(f *testing.F) {
	keys := newKeys("k")
	good := keys.Make(audience, time.Hour, "ann", []string{"r"}, nil)
	f.Add(good)
	f.Add(strings.Replace(good, "e", "f", 1))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("a.b.c")
	f.Add("...")
	signing := strings.Split(good, ".")
	f.Fuzz(func(t *testing.T, text string) {
		claims, err := keys.Verify(text, audience)
		if err != nil {
			require.ErrorIs(t, err, token.ErrInvalid)
			require.Nil(t, claims)
			return
		}
		// Without the key, the fuzzer has only one signed text.
		parts := strings.Split(text, ".")
		require.Len(t, parts, 3)
		require.Equal(t, signing[:2], parts[:2])
	})
}

// FuzzClaims signs any claims and compares those of accepted tokens with what
// encoding/json decodes.
func FuzzClaims(f *testing.F) {
	const key = "k"
	keys := newKeys(key)
	for _, claims := range []string{
		`{"aud":"http://h/client/hubs/a[b]","exp":1893502800}`, `{"aud":["x","http://h/client/hubs/a%5Bb%5D"],"exp":1893502800.5,"nbf":1893499200,"n":1e400,"l":[1,"a",true,null,{}]}`,
		`{"aud":"http://h/client/hubs/a[b]","exp":1893498900}`, `{"aud":"http://h/client/hubs/a[b]","exp":"1893502800"}`, `{"exp":1893502800}`, `[]`, `null`, `{"aud":{},"exp":1}`,
	} {
		f.Add(claims)
	}
	encode := base64.RawURLEncoding.EncodeToString
	head := encode([]byte(`{"alg":"HS256"}`)) + "."
	f.Fuzz(func(t *testing.T, payload string) {
		signed := head + encode([]byte(payload))
		signature, err := jwt.SigningMethodHS256.Sign(signed, []byte(key))
		require.NoError(t, err)
		claims, err := keys.Verify(signed+"."+encode(signature), audience)
		if err != nil {
			require.ErrorIs(t, err, token.ErrInvalid)
			return
		}
		var read map[string]any
		d := json.NewDecoder(strings.NewReader(payload))
		d.UseNumber()
		require.NoError(t, d.Decode(&read))
		leeway := token.Leeway.Seconds() + 1 // for fractions of a second
		exp, ok := read["exp"].(json.Number)
		require.True(t, ok, "no expiry")
		seconds, err := exp.Float64()
		require.NoError(t, err)
		assert.GreaterOrEqual(t, seconds, float64(noon().Unix())-leeway)
		if nbf, ok := read["nbf"].(json.Number); ok {
			seconds, err := nbf.Float64()
			require.NoError(t, err)
			assert.LessOrEqual(t, seconds, float64(noon().Unix())+leeway)
		}
		assert.True(t, slices.ContainsFunc(claims["aud"], func(a string) bool {
			decoded, err := url.PathUnescape(a)
			return strings.EqualFold(a, audience) || (err == nil && strings.EqualFold(decoded, audience))
		}), "audience %q", claims["aud"])
		for name, values := range claims {
			require.Contains(t, read, name)
			if text, ok := read[name].(string); ok {
				assert.Equal(t, []string{text}, values, name)
			}
		}
	})
}
