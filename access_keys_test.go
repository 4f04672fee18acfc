package webpubsub_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestUE94FixturesVerifyWithEitherKey(t *testing.T) {
	t.Parallel()
	for _, connection := range []string{wireConnectionString, wireSecondaryConnectionString} {
		h := wireHandler(t, webpubsub.Config{ConnectionStrings: []string{connection}, Fallback: replyText("ok")})
		for _, fixture := range []string{"user_text", "user_signature_lines", "user_signature_space", "user_origin_list", "user_unicode_connection_id"} {
			assert.Equal(t, http.StatusOK, wireServe(h, wireRequest(t, fixture)).StatusCode, fixture)
		}
	}
}

func TestUE98KeysAreBoundToTheirOrigin(t *testing.T) {
	t.Parallel()
	const keyA, keyB = "key-of-a", "key-of-b"
	const unknown = "c.webpubsub.azure.com"
	const a, b = "a.webpubsub.azure.com", "b.webpubsub.azure.com"
	h := wireHandler(t, webpubsub.Config{
		ConnectionStrings: []string{"Endpoint=https://A.webpubsub.azure.com;AccessKey=" + keyA, "Endpoint=https://" + b + ";AccessKey=" + keyB},
		Fallback:          replyText("ok"),
	})
	for _, tt := range []struct {
		name    string
		origins []string
		key     string
		want    int
	}{
		{"own key", []string{a}, keyA, 200},
		{"UE 101 configured in another case", []string{a}, keyA, 200},
		{"UE 101 sent in another case", []string{strings.ToUpper(a)}, keyA, 200},
		{"key of another origin", []string{a}, keyB, 401},
		{"unknown origin", []string{unknown}, keyA, 401},
		{"list, own key last", []string{b + ", " + a}, keyA, 200},
		{"list with unknown origins", []string{unknown + "," + a}, keyA, 200},
		{"lines", []string{unknown, a}, keyA, 200},
		{"list without the key's origin", []string{a + ", " + unknown}, keyB, 401},
		{"sixteenth origin", []string{strings.Repeat(unknown+",", 15) + a}, keyA, 200},
		{"seventeenth origin", []string{strings.Repeat(unknown+",", 16) + a}, keyA, 401},
		{"seventeenth origin, first known by another key", []string{strings.Repeat(b+",", 16) + a}, keyA, 401},
		{"look-alike", []string{a + ".evil.test"}, keyA, 401},
		{"origin with port", []string{a + ":443"}, keyA, 401},
		{"empty origin", []string{""}, keyA, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := wireRequest(t, "user_text", setOrigin(tt.origins...), signed(textbookSignature(tt.key, wireConnectionID)))
			assert.Equal(t, tt.want, wireServe(h, r).StatusCode)
		})
	}
}

// A key verifies requests only if its own origin is allowed, even if the request also
// names an allowed one.
func TestKeyOfForbiddenOrigin(t *testing.T) {
	t.Parallel()
	const a, b = "a.webpubsub.azure.com", "b.webpubsub.azure.com"
	keys, err := webpubsub.NewAccessKeys("Endpoint=https://"+a+";AccessKey=key-of-a", "Endpoint=https://"+b+";AccessKey=key-of-b")
	require.NoError(t, err)
	h := wireHandler(t, webpubsub.Config{Verifier: keys, AllowedOrigins: []string{a}})
	for _, tt := range []struct {
		origin, key string
		want        int
	}{
		{a, "key-of-a", 204},
		{b + "," + a, "key-of-a", 204},
		{b, "key-of-b", 401},
		{a + "," + b, "key-of-b", 401},
		{b + "," + a, "key-of-b", 401},
	} {
		r := wireRequest(t, "connected", setOrigin(tt.origin), signed(textbookSignature(tt.key, wireConnectionID)))
		assert.Equal(t, tt.want, wireServe(h, r).StatusCode, "%s by %s", tt.origin, tt.key)
	}
}

func TestSeveralKeysOfOneEndpoint(t *testing.T) {
	t.Parallel()
	h := wireHandler(t, webpubsub.Config{
		ConnectionStrings: []string{wireConnectionString, wireSecondaryConnectionString},
		Fallback:          replyText("ok"),
	})
	for key, want := range map[string]int{wireKey: 200, wireSecondaryKey: 200, "another": 401} {
		r := wireRequest(t, "user_text", signed(textbookSignature(key, wireConnectionID)))
		assert.Equal(t, want, wireServe(h, r).StatusCode, key)
	}
}

func TestAccessKeysVerify(t *testing.T) {
	t.Parallel()
	keys, err := webpubsub.NewAccessKeys(wireConnectionString)
	require.NoError(t, err)
	require.NoError(t, keys.Verify(wireRequest(t, "user_text", unreadableBody(t))))
	require.ErrorIs(t, keys.Verify(wireRequest(t, "user_text", setOrigin("evil.com"))), webpubsub.ErrOrigin)
	require.ErrorIs(t, keys.Verify(wireRequest(t, "user_text", setOrigin())), webpubsub.ErrOrigin)
	require.ErrorIs(t, keys.Verify(wireRequest(t, "user_text", signed("sha256=00"))), webpubsub.ErrSignature)
	require.ErrorIs(t, keys.Verify(wireRequest(t, "user_text", signed(textbookSignature("x", wireConnectionID)))), webpubsub.ErrSignature)
	require.ErrorIs(t, keys.Verify(wireRequest(t, "user_text", wireHeader("ce-connectionId", wireConnectionID, wireConnectionID))), webpubsub.ErrSignature)
	require.ErrorIs(t, new(webpubsub.AccessKeys).Verify(wireRequest(t, "user_text")), webpubsub.ErrSignature)

	h := wireHandler(t, webpubsub.Config{Verifier: new(webpubsub.AccessKeys)})
	assert.Equal(t, http.StatusUnauthorized, wireServe(h, wireRequest(t, "connected")).StatusCode)
	assertConsent(t, wireServe(h, validation(t)), refusedOrigin)
}

func TestReplacedKeysCountAtOnce(t *testing.T) {
	t.Parallel()
	keys, err := webpubsub.NewAccessKeys(wireConnectionString)
	require.NoError(t, err)
	h := wireHandler(t, webpubsub.Config{Verifier: keys})
	primary := signed(textbookSignature(wireKey, wireConnectionID))
	other := both(setOrigin("b.com"), signed(textbookSignature("new", wireConnectionID)))
	status := func(edit func(*http.Request)) int { return wireServe(h, wireRequest(t, "connected", edit)).StatusCode }

	assert.Equal(t, http.StatusNoContent, status(primary))
	assert.Equal(t, http.StatusUnauthorized, status(other))

	for _, wrong := range [][]string{nil, {wireConnectionString, "nonsense"}, {"Endpoint=https://b.com;Version=1.0"}, {"Endpoint=https://b.com;AccessKey=new", ""}} {
		require.Error(t, keys.Replace(wrong...))
		assert.Equal(t, http.StatusNoContent, status(primary), "a wrong replacement changes nothing")
	}

	require.NoError(t, keys.Replace("Endpoint=https://b.com;AccessKey=new"))
	assert.Equal(t, http.StatusUnauthorized, status(primary))
	assert.Equal(t, http.StatusNoContent, status(other))
	assertConsent(t, wireServe(h, validation(t)), refusedOrigin)
	assertConsent(t, wireServe(h, validation(t, setOrigin("b.com"))), "b.com")
}

// While keys are replaced, a signature that is valid before and after is accepted. A
// signature that is never valid is refused.
func TestReplaceWhileServing(t *testing.T) {
	t.Parallel()
	keys, err := webpubsub.NewAccessKeys(wireConnectionString)
	require.NoError(t, err)
	h := wireHandler(t, webpubsub.Config{Verifier: keys})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			connection := wireConnectionString
			if i%2 == 0 {
				connection = wireSecondaryConnectionString
			}
			if err := keys.Replace(connection); err != nil {
				t.Error(err) // require must not be called here
			}
			_ = keys.String()
		}
	})
	var serving sync.WaitGroup
	for range 4 {
		serving.Go(func() {
			for range 100 {
				assert.Equal(t, http.StatusNoContent, wireServe(h, wireRequest(t, "connected")).StatusCode)
				forged := wireRequest(t, "connected", signed(textbookSignature("x", wireConnectionID)))
				assert.Equal(t, http.StatusUnauthorized, wireServe(h, forged).StatusCode)
			}
		})
	}
	serving.Wait()
	close(stop)
	wg.Wait()
}

func TestAccessKeysErrorsKeepKeys(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]string{
		"no endpoint":  "AccessKey=" + wireKey,
		"twice":        wireConnectionString + "AccessKey=" + wireKey,
		"bad endpoint": "Endpoint=https://%zz;AccessKey=" + wireKey,
		"key as host":  "Endpoint=" + wireKey + "=;AccessKey=x",
		"bad port":     wireConnectionString + "Port=0",
	} {
		keys, err := webpubsub.NewAccessKeys(wireConnectionString, s)
		require.Error(t, err, name)
		assert.Nil(t, keys, name)
		assert.Contains(t, err.Error(), "[1]", name)
		assertNoSecret(t, err.Error(), name, wireKey)
	}
	_, err := webpubsub.NewAccessKeys()
	require.EqualError(t, err, "webpubsub: access keys: no connection string given")
}
