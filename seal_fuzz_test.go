package webpubsub_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// What follows implements the format of docs/state.md again, by other means.

// hkdfByHand is HKDF-SHA256 (RFC 5869) without salt, for at most 32 bytes.
func hkdfByHand(key []byte, info string, n int) []byte {
	extract := hmac.New(sha256.New, make([]byte, sha256.Size))
	extract.Write(key)
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte(info + "\x01"))
	return expand.Sum(nil)[:n]
}

func contextByHand(hub, connection string) string {
	part := func(s string) string {
		n := len(s)
		return string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + s
	}
	return "webpubsub state 1\x00" + part(strings.ToLower(hub)) + part(connection)
}

func gcmByHand(tb testing.TB, key []byte, hub, connection string) cipher.AEAD {
	tb.Helper()
	block, err := aes.NewCipher(hkdfByHand(key, contextByHand(hub, connection), 32))
	require.NoError(tb, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(tb, err)
	return gcm
}

func sealByHand(tb testing.TB, key, nonce []byte, hub, connection, plain string) string {
	tb.Helper()
	sealed := gcmByHand(tb, key, hub, connection).Seal(nil, nonce, []byte(plain), []byte(contextByHand(hub, connection)))
	id := hkdfByHand(key, "webpubsub state key id", 4)
	return "seal1." + base64.RawURLEncoding.EncodeToString([]byte(string(id)+string(nonce)+string(sealed)))
}

// openByHand returns the content of a sealed state; ok is false for any other.
func openByHand(tb testing.TB, key []byte, hub, connection, state string) (plain string, ok bool) {
	tb.Helper()
	text, found := strings.CutPrefix(state, "seal1.")
	data, err := base64.RawURLEncoding.DecodeString(text)
	if !found || err != nil || len(data) < 32 || base64.RawURLEncoding.EncodeToString(data) != text ||
		!bytes.Equal(data[:4], hkdfByHand(key, "webpubsub state key id", 4)) {
		return "", false
	}
	out, err := gcmByHand(tb, key, hub, connection).Open(nil, data[4:16], data[16:], []byte(contextByHand(hub, connection)))
	return string(out), err == nil
}

// TestSealVector opens a state that Node.js has sealed, as in docs/state.md.
func TestSealVector(t *testing.T) {
	t.Parallel()
	const (
		vector = "seal1.mrQG8CAhIiMkJSYnKCkqK-tdBwmZSuXzhD9WdEOgYewI5PlQIhu1i9tx73llwg"
		plain  = `{"name":"ann"}`
	)
	key := sealKeyOf(0)
	nonce, err := hex.DecodeString("202122232425262728292a2b")
	require.NoError(t, err)
	assert.Equal(t, vector, sealByHand(t, key, nonce, wireHub, wireConnectionID, plain))
	got, err := sealedState(t, 0).Get(here(vector))
	require.NoError(t, err)
	assert.Equal(t, stateSession{Name: "ann"}, got)
	assert.Equal(t, "webpubsub.SealKeys(9ab406f0)", sealKeys(t, 0).String())
}

// TestSealByHand: what one implementation seals, the other opens.
func TestSealByHand(t *testing.T) {
	t.Parallel()
	for i := range 64 {
		key := sealKeyOf(byte(i))
		want := stateSession{Name: strings.Repeat("é\x00", i), Counter: i}
		connection, hub := fmt.Sprintf("connection %d", i), strings.Repeat("H", i+1)
		nonce := hkdfByHand(key, "nonce", 12)
		plain, err := json.Marshal(want)
		require.NoError(t, err)
		state := sealedState(t, byte(i))

		got, err := state.Get(at(hub, connection, sealByHand(t, key, nonce, hub, connection, string(plain))))
		require.NoError(t, err)
		assert.Equal(t, want, got)

		back, ok := openByHand(t, key, wireHub, wireConnectionID, stateHeader(t, state.Set(want)))
		require.True(t, ok)
		assert.JSONEq(t, string(plain), back)
	}
}

// FuzzSealedState: Get believes a state exactly if the other implementation does.
func FuzzSealedState(f *testing.F) {
	key := sealKeyOf(0)
	keys := sealKeys(f, 0)
	raw := sealByHand(f, key, []byte("nonce of 12b"), wireHub, wireConnectionID, `{"name":"ann"}`) //nolint:gosec // a fixed nonce is a fixed seed
	for _, state := range []string{raw, raw[:20], raw + "A", "", "e30=", "seal1.", "seal2.AAAA", "seal1.AAAA", strings.ToUpper(raw), raw[:6] + "%" + raw[7:]} {
		f.Add(state, wireHub, wireConnectionID, []byte("nonce of 12b"), `{"name":"x"}`)
	}
	f.Fuzz(func(t *testing.T, raw, hub, connection string, nonce []byte, plain string) {
		states := []string{raw}
		if len(nonce) == 12 {
			states = append(states, sealByHand(t, key, nonce, hub, connection, plain))
		}
		for _, raw := range states {
			state := webpubsub.State[map[string]any]{Seal: keys, Required: true}
			got, err := state.Get(at(hub, connection, raw))
			content, ok := openByHand(t, key, hub, connection, raw)
			switch {
			case err == nil:
				require.True(t, ok, "believed")
				var want map[string]any
				require.NoError(t, json.Unmarshal([]byte(content), &want))
				if utf8.ValidString(content) {
					assert.Equal(t, want, got)
				}
			case ok:
				require.Empty(t, got)
				var own map[string]any
				if json.Unmarshal([]byte(content), &own) == nil && own != nil && utf8.ValidString(content) {
					require.NotErrorIs(t, err, webpubsub.ErrStateForged)
				}
			default:
				require.Empty(t, got)
				var known bool
				for _, e := range stateErrors {
					known = known || errors.Is(err, e)
				}
				require.True(t, known, "%v", err)
			}
		}
	})
}
