package webpubsub_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// The vectors of the protocol digest, section 5.
var signatureVectors = []struct{ name, key, id, want string }{
	{"UE 92 vector of the .NET tests", "7aab239577fd4f24bc919802fb629f5f", "0f9c97a2f0bf4706afe87a14e0797b11", "sha256=7767effcb3946f3e1de039df4b986ef02c110b1469d02c0a06f41b3b727ab561"},
	{"emulator's key", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH", "conn1", "sha256=8de7281e588e23b0a30a7180ffa240257b8176e983004c240c9f3f7a7233c993"},
	{"primary key", "testprimarykey123", "conn123", "sha256=7f2f783c110a7698e500f413343384c4042dcab921241a0698e65d481c142cfe"},
	{"secondary key", "testsecondarykey456", "conn123", "sha256=1bdd58a743c5dd4537e31bac7223d367ef3a39efec277733a168f9d99124667a"},
	{"UE 100 connection id in UTF-8", "key", "连接", "sha256=b9b4b2e52b4563f37226b7d63c47158403213a025582b7ead7cfe21015d7e220"},
}

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	for _, v := range signatureVectors {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, v.want, webpubsub.Sign(v.key, v.id))
			require.NoError(t, webpubsub.VerifySignature(v.want, v.id, v.key))
			require.NoError(t, webpubsub.VerifySignature(v.want, v.id, "another", v.key))
			require.ErrorIs(t, webpubsub.VerifySignature(v.want, v.id, "another"), webpubsub.ErrSignature)
			require.ErrorIs(t, webpubsub.VerifySignature(v.want, v.id+"x", v.key), webpubsub.ErrSignature)
			require.ErrorIs(t, webpubsub.VerifySignature(v.want, v.id), webpubsub.ErrSignature)
		})
	}
}

// textbookSignature is the signature as the protocol digest words it, apart
// from the code under test.
func textbookSignature(key, connectionID string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(connectionID))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func TestSignature(t *testing.T) {
	t.Parallel()
	good := textbookSignature(wireKey, wireConnectionID)
	second := textbookSignature(wireSecondaryKey, wireConnectionID)
	bad := textbookSignature("ccc", wireConnectionID)
	decoded, err := base64.StdEncoding.DecodeString(wireKey)
	require.NoError(t, err, "the key looks like base64")
	connectionID := func(values ...string) func(*http.Request) { return wireHeader("ce-connectionId", values...) }
	tests := []struct {
		name       string
		connection string // default: the primary key's
		edit       func(*http.Request)
		want       int
	}{
		{"UE 92 made with the key", "", signed(good), 200},
		{"UE 92 made with another key", "", signed(bad), 401},
		{"UE 93 upper case digits", "", signed("sha256=" + strings.ToUpper(good[7:])), 200},
		{"UE 93 mixed case digits", "", signed("sha256=" + strings.ToUpper(good[7:30]) + good[30:]), 200},
		{"UE 94 secondary key", wireSecondaryConnectionString, signed(bad + "," + second), 200},
		{"UE 94 first of two keys", "", signed(good + "," + bad), 200},
		{"UE 95 comma and space", "", signed(good + ", " + bad), 200},
		{"UE 95 comma, space and tab, second", "", signed(bad + " ,\t" + good), 200},
		{"UE 95 two lines", "", signed(bad, good), 200},
		{"UE 95 empty elements and lines", "", signed(",,", "", " , "+good+","), 200},
		{"UE 96 no header", "", signed(), 401},
		{"UE 96 empty header", "", signed(""), 401},
		{"UE 96 separators alone", "", signed(" , ,"), 401},
		{"UE 96 without prefix", "", signed(good[7:]), 401},
		{"UE 96 prefix in another case", "", signed("SHA256=" + good[7:]), 401},
		{"UE 96 truncated", "", signed(good[:len(good)-1]), 401},
		{"UE 96 truncated by a byte", "", signed(good[:len(good)-2]), 401},
		{"UE 96 prefix alone", "", signed("sha256="), 401},
		{"UE 96 longer", "", signed(good + "00"), 401},
		{"UE 96 not hexadecimal", "", signed(good[:len(good)-1] + "g"), 401},
		{"UE 96 sha1", "", signed("sha1=" + good[7:]), 401},
		{"UE 96 sha1 beside sha256", "", signed("sha1=" + good[7:47] + "," + good), 200},
		{"UE 96 quoted", "", signed(`"` + good + `"`), 401},
		{"UE 96 separated by semicolon", "", signed(good + ";" + good), 401},
		{"UE 96 no connection id", "", connectionID(), 400},
		{"UE 96 empty connection id", "", connectionID(""), 400},
		{"UE 96 empty connection id signed as such", "", both(connectionID(""), signed(textbookSignature(wireKey, ""))), 400},
		{"UE 99 key decoded from base64", "", signed(textbookSignature(string(decoded), wireConnectionID)), 401},
		{"replayed for another connection", "", connectionID("0f9c97a2f0bf4706afe87a14e0797b12"), 401},
		{"connection id in another case", "", connectionID(strings.ToUpper(wireConnectionID)), 401},
		{"connection id with space inside", "", connectionID(wireConnectionID + " x"), 401},
		{"repeated connection id, the signed one first", "", connectionID(wireConnectionID, "another"), 400},
		{"repeated connection id, the signed one last", "", connectionID("another", wireConnectionID), 400},
		{"all digits zero", "", signed("sha256=" + strings.Repeat("0", 64)), 401},
		{"sixteen tokens, the last is good", "", signed(strings.Repeat(bad+",", 15) + good), 200},
		{"seventeen tokens, the last is good", "", signed(strings.Repeat(bad+",", 16) + good), 401},
		{"seventeen tokens, the first is good", "", signed(good + strings.Repeat(","+bad, 16)), 401},
		{"seventeen tokens of other kinds", "", signed(good + strings.Repeat(",x", 16)), 401},
		{"seventeen lines", "", signed(append(strings.Split(strings.Repeat("x ", 15)+"x", " "), good)...), 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			connection := tt.connection
			if connection == "" {
				connection = wireConnectionString
			}
			called := 0
			h := wireHandler(t, webpubsub.Config{
				ConnectionStrings: []string{connection},
				Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
					called++
					return webpubsub.TextReply("ok"), nil
				},
			})
			edits := []func(*http.Request){tt.edit}
			if tt.want != 200 {
				edits = append(edits, unreadableBody(t))
			}
			resp := wireServe(h, wireRequest(t, "user_text", edits...))
			assert.Equal(t, tt.want, resp.StatusCode)
			if tt.want == 200 {
				assert.Equal(t, 1, called)
				return
			}
			assert.Zero(t, called)
			body := wireText(t, resp)
			assert.NotEmpty(t, body)
			assert.NotContains(t, body, wireKey)
			assert.NotContains(t, body, good[7:], "the answer must not be an oracle")
		})
	}
}

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

// A key counts for its own origin only if that origin is allowed: naming an
// allowed one beside it does not help.
func TestKeyOfAnOriginThatIsNotAllowed(t *testing.T) {
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

func TestVerifySignatureRefusesEmptyKeys(t *testing.T) {
	t.Parallel()
	empty := textbookSignature("", wireConnectionID)
	require.ErrorIs(t, webpubsub.VerifySignature(empty, wireConnectionID, ""), webpubsub.ErrSignature)
	require.ErrorIs(t, webpubsub.VerifySignature(empty, wireConnectionID, wireKey, ""), webpubsub.ErrSignature)
	require.ErrorIs(t, webpubsub.VerifySignature(textbookSignature(wireKey, ""), "", wireKey), webpubsub.ErrSignature)
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

// While keys are exchanged, a signature that both generations know always
// counts, and one that neither knows never does.
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
				t.Error(err) // require would end the wrong goroutine
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
