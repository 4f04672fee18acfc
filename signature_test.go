package webpubsub_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// The test vectors of the protocol.
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

// textbookSignature returns the signature according to the protocol, without the code
// under test.
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

func TestVerifySignatureRefusesEmptyKeys(t *testing.T) {
	t.Parallel()
	empty := textbookSignature("", wireConnectionID)
	require.ErrorIs(t, webpubsub.VerifySignature(empty, wireConnectionID, ""), webpubsub.ErrSignature)
	require.ErrorIs(t, webpubsub.VerifySignature(empty, wireConnectionID, wireKey, ""), webpubsub.ErrSignature)
	require.ErrorIs(t, webpubsub.VerifySignature(textbookSignature(wireKey, ""), "", wireKey), webpubsub.ErrSignature)
}
