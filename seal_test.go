package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// sealKeyOf returns a key of 32 different bytes.
func sealKeyOf(first byte) []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = first + byte(i)
	}
	return key
}

func sealKeys(tb testing.TB, firsts ...byte) *webpubsub.SealKeys {
	tb.Helper()
	keys := make([][]byte, len(firsts))
	for i, first := range firsts {
		keys[i] = sealKeyOf(first)
	}
	s, err := webpubsub.NewSealKeys(keys...)
	require.NoError(tb, err)
	return s
}

func sealedState(tb testing.TB, firsts ...byte) webpubsub.State[stateSession] {
	tb.Helper()
	return webpubsub.State[stateSession]{Seal: sealKeys(tb, firsts...)}
}

// at returns an event of a connection with a state.
func at(hub, connection, raw string) *webpubsub.UserEvent {
	return &webpubsub.UserEvent{Meta: webpubsub.Meta{Hub: hub, ConnectionID: connection, RawState: raw}}
}

// here is at for the connection of the fixtures, to which stateHeader replies.
func here(raw string) *webpubsub.UserEvent { return at(wireHub, wireConnectionID, raw) }

func TestSealedState(t *testing.T) {
	t.Parallel()
	state := sealedState(t, 0)
	want := stateSession{Name: "ann", Counter: 3, Blob: []byte{0, 1}, Nested: map[string]any{"a": []any{"b"}}}
	raw := stateHeader(t, state.Set(want))
	assert.True(t, strings.HasPrefix(raw, "seal1."), raw)
	assert.NotContains(t, string(nodeBase64(raw)), "ann")
	assert.NotEqual(t, raw, stateHeader(t, state.Set(want)), "no two seals are equal")
	for _, hub := range []string{wireHub, strings.ToUpper(wireHub)} {
		got, err := state.Get(at(hub, wireConnectionID, raw))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}

	dotNet := state
	dotNet.Codec = webpubsub.StateDotNet
	got, err := dotNet.Get(here(stateHeader(t, dotNet.Set(want))))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// The reply to a connect event is sealed for its connection.
func TestSealedStateOfConnect(t *testing.T) {
	t.Parallel()
	state := sealedState(t, 0)
	for _, fixture := range []string{"connect", "mqtt_connect_v5"} {
		resp := serveFixture(t, onConnect(&webpubsub.ConnectReply{State: state.Set(stateSession{Name: "ann"})}, nil), fixture)
		connection := wireRequest(t, fixture).Header.Get("ce-connectionId")
		got, err := state.Get(at(wireHub, connection, resp.Header.Get("ce-connectionState")))
		require.NoError(t, err)
		assert.Equal(t, stateSession{Name: "ann"}, got)
	}
}

func TestSealedStateClear(t *testing.T) {
	t.Parallel()
	state := sealedState(t, 0)
	state.Required = true
	raw := stateHeader(t, state.Clear())
	assert.True(t, strings.HasPrefix(raw, "seal1."), raw)
	got, err := state.Get(here(raw))
	require.NoError(t, err)
	assert.Zero(t, got)
}

// TestSealedStateErrors: each state that is not to be believed has its error.
func TestSealedStateErrors(t *testing.T) {
	t.Parallel()
	raw := stateHeader(t, sealedState(t, 0).Set(stateSession{Name: "ann"}))
	other := stateHeader(t, sealedState(t, 100).Set(stateSession{Name: "ann"}))
	body := strings.TrimPrefix(raw, "seal1.")
	relabelled, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(other, "seal1."))
	require.NoError(t, err)
	own, err := base64.RawURLEncoding.DecodeString(body)
	require.NoError(t, err)
	copy(relabelled, own[:4]) // claims to be sealed with our key
	tests := []struct {
		name string
		ev   *webpubsub.UserEvent
		want error
	}{
		{"moved to another connection", at(wireHub, wireConnectionID+"0", raw), webpubsub.ErrStateForged},
		{"moved to another hub", at("other", wireConnectionID, raw), webpubsub.ErrStateForged},
		{"moved to a connection in another case", at(wireHub, strings.ToUpper(wireConnectionID), raw), webpubsub.ErrStateForged},
		{"hub and connection shifted", at(wireHub+wireConnectionID[:1], wireConnectionID[1:], raw), webpubsub.ErrStateForged},
		{"wrong key", here(other), webpubsub.ErrStateKey},
		{"wrong key with our id", here("seal1." + base64.RawURLEncoding.EncodeToString(relabelled)), webpubsub.ErrStateForged},
		{"not sealed", here("e30="), webpubsub.ErrStateNotSealed},
		{"not sealed, with members", here(b64(`{"name":"ann"}`)), webpubsub.ErrStateNotSealed},
		{"the seal's body alone", here(body), webpubsub.ErrStateNotSealed},
		{"JSON", here(`{"name":"ann"}`), webpubsub.ErrStateNotSealed},
		{"prefix cut", here(raw[:5]), webpubsub.ErrStateNotSealed},
		{"prefix alone", here("seal1."), webpubsub.ErrStateForged},
		{"key id alone", here(raw[:6+6]), webpubsub.ErrStateForged},
		{"seal in an older format", here("seal0." + body), webpubsub.ErrStateFormat},
		{"seal in a newer format", here("seal2." + body), webpubsub.ErrStateFormat},
		{"seal in a format of two digits", here("seal11." + body), webpubsub.ErrStateFormat},
		{"padded", here(raw + "="), webpubsub.ErrStateForged},
		{"line feed", here(raw + "\n"), webpubsub.ErrStateForged},
		{"longer", here(raw + "AAAA"), webpubsub.ErrStateForged},
		{"not base64", here("seal1.%%%"), webpubsub.ErrStateForged},
		{"another alphabet", here("seal1." + base64.RawStdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 60))), webpubsub.ErrStateForged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assertStateError(t, sealedState(t, 0), tt.ev, tt.want)
		})
	}
}

var stateErrors = []error{webpubsub.ErrStateMissing, webpubsub.ErrStateNotSealed, webpubsub.ErrStateKey, webpubsub.ErrStateForged, webpubsub.ErrStateFormat}

// assertStateError checks that Get returns exactly one of stateErrors, and no value.
func assertStateError(t *testing.T, state webpubsub.State[stateSession], ev webpubsub.Event, want error) {
	t.Helper()
	got, err := state.Get(ev)
	assert.Zero(t, got)
	var decode *webpubsub.DecodeError
	require.ErrorAs(t, err, &decode)
	for _, e := range stateErrors {
		assert.Equal(t, errors.Is(want, e), errors.Is(err, e), "%v: %v", e, err)
	}
	assert.Equal(t, http.StatusBadRequest, webpubsub.StatusOf(err))
	assert.Equal(t, "connection state cannot be decoded", webpubsub.MessageOf(err), "a stranger does not learn why")
}

// Every change of one bit and every cut is an error.
func TestSealedStateChanged(t *testing.T) {
	t.Parallel()
	state := sealedState(t, 0)
	raw := stateHeader(t, state.Set(stateSession{Name: "ann"}))
	for i := range len(raw) {
		for bit := range 8 {
			changed := []byte(raw)
			changed[i] ^= 1 << bit
			got, err := state.Get(here(string(changed)))
			require.Error(t, err, "bit %d of byte %d", bit, i)
			require.Zero(t, got)
		}
		got, err := state.Get(here(raw[:i]))
		if i > 0 { // an absent state is not an error
			require.Error(t, err, "first %d bytes", i)
		}
		require.Zero(t, got)
	}
	sealed, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(raw, "seal1."))
	require.NoError(t, err)
	for i := range sealed {
		for bit := range 8 {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1 << bit
			want := webpubsub.ErrStateForged
			if i < 4 {
				want = webpubsub.ErrStateKey
			}
			_, err := state.Get(here("seal1." + base64.RawURLEncoding.EncodeToString(changed)))
			require.ErrorIs(t, err, want, "bit %d of byte %d", bit, i)
		}
	}
}

func TestSealKeyRotation(t *testing.T) {
	t.Parallel()
	before, added, moved, after := sealedState(t, 0), sealedState(t, 0, 100), sealedState(t, 100, 0), sealedState(t, 100)
	want := stateSession{Name: "ann"}
	for name, tc := range map[string]struct {
		by    webpubsub.State[stateSession]
		opens []webpubsub.State[stateSession]
		not   []webpubsub.State[stateSession]
	}{
		"old key":           {before, []webpubsub.State[stateSession]{before, added, moved}, []webpubsub.State[stateSession]{after}},
		"new key added":     {added, []webpubsub.State[stateSession]{before, added, moved}, []webpubsub.State[stateSession]{after}},
		"new key in front":  {moved, []webpubsub.State[stateSession]{added, moved, after}, []webpubsub.State[stateSession]{before}},
		"old key taken out": {after, []webpubsub.State[stateSession]{added, moved, after}, []webpubsub.State[stateSession]{before}},
	} {
		raw := stateHeader(t, tc.by.Set(want))
		for _, state := range tc.opens {
			got, err := state.Get(here(raw))
			require.NoError(t, err, name)
			assert.Equal(t, want, got, name)
		}
		for _, state := range tc.not {
			assertStateError(t, state, here(raw), webpubsub.ErrStateKey)
		}
	}
}

func TestRequiredState(t *testing.T) {
	t.Parallel()
	state := webpubsub.State[stateSession]{Required: true}
	assertStateError(t, state, here(""), webpubsub.ErrStateMissing)
	got, err := state.Get(here(b64(`{"name":"x"}`)))
	require.NoError(t, err)
	assert.Equal(t, "x", got.Name)

	sealed := sealedState(t, 0)
	got, err = sealed.Get(here(""))
	require.NoError(t, err, "nobody has set a state yet")
	assert.Zero(t, got)
	sealed.Required = true
	assertStateError(t, sealed, here(""), webpubsub.ErrStateMissing)
}

func TestInsecureReadUnsealed(t *testing.T) {
	t.Parallel()
	state := sealedState(t, 0)
	state.InsecureReadUnsealed = true
	got, err := state.Get(here(b64(`{"name":"x"}`)))
	require.NoError(t, err)
	assert.Equal(t, "x", got.Name)
	assert.True(t, strings.HasPrefix(stateHeader(t, state.Set(got)), "seal1."), "for reading only")
	assert.True(t, strings.HasPrefix(stateHeader(t, state.Clear()), "seal1."))

	raw := stateHeader(t, state.Set(got))
	assertStateError(t, state, at(wireHub, "other", raw), webpubsub.ErrStateForged)
	assertStateError(t, state, here("seal2."+raw[6:]), webpubsub.ErrStateFormat)
	_, err = state.Get(here(raw[1:]))
	require.Error(t, err, "neither sealed nor base64")

	state.Codec = webpubsub.StateDotNet
	got, err = state.Get(here("eyJjb3VudGVyIjoiTWc9PSJ9"))
	require.NoError(t, err)
	assert.Equal(t, stateSession{Counter: 2}, got)
}

func TestSealedStateSize(t *testing.T) {
	t.Parallel()
	state := webpubsub.State[map[string]string]{Seal: sealKeys(t, 0)}
	// {"s":"…"} of n bytes is "seal1." and base64 of n+32 bytes.
	sized := func(n int) webpubsub.StateUpdate { return state.Set(map[string]string{"s": strings.Repeat("x", n-8)}) }
	const most = (webpubsub.MaxStateBytes-6)*3/4 - 32
	assert.Len(t, stateHeader(t, sized(most)), webpubsub.MaxStateBytes)
	log, logger := debugLog()
	cfg := onUserEvent(withState(webpubsub.Reply{}, sized(most+1)), nil)
	cfg.Logger = logger
	resp := serveFixture(t, cfg, "user_text")
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Contains(t, logRecord(t, log)["error"], "connection state of type map[string]string has 8193 bytes as a header, at most 8192 are sent")
}

func TestNewSealKeys(t *testing.T) {
	t.Parallel()
	good := sealKeyOf(0)
	for want, keys := range map[string][][]byte{
		"webpubsub: seal keys: no key given, want one or more of 32 random bytes":                     {},
		"webpubsub: seal keys: keys[0] has 0 bytes, want 32: decode its hexadecimal or base64 first":  {nil},
		"webpubsub: seal keys: keys[0] has 31 bytes, want 32: decode its hexadecimal or base64 first": {good[:31]},
		"webpubsub: seal keys: keys[1] has 44 bytes, want 32: decode its hexadecimal or base64 first": {good, bytes.Repeat(good, 2)[:44]},
		"webpubsub: seal keys: keys[0] is one byte 32 times, want random bytes":                       {make([]byte, 32)},
		"webpubsub: seal keys: keys[1] is one byte 32 times, want random bytes":                       {good, bytes.Repeat([]byte("x"), 32)},
		"webpubsub: seal keys: keys[0] and keys[2] are equal":                                         {good, sealKeyOf(1), bytes.Clone(good)},
	} {
		zero, err := webpubsub.NewSealKeys(keys...)
		require.EqualError(t, err, want)
		assert.Equal(t, new(webpubsub.SealKeys), zero, "whoever ignores the error does without states, not without a seal")
	}

	own := sealKeyOf(0)
	keys, err := webpubsub.NewSealKeys(own)
	require.NoError(t, err)
	clear(own)
	raw := stateHeader(t, webpubsub.State[stateSession]{Seal: keys}.Set(stateSession{Name: "ann"}))
	got, err := sealedState(t, 0).Get(here(raw))
	require.NoError(t, err, "the keys were copied")
	assert.Equal(t, "ann", got.Name)
}

// The zero SealKeys is no way around the seal.
func TestZeroSealKeys(t *testing.T) {
	t.Parallel()
	state := webpubsub.State[stateSession]{Seal: new(webpubsub.SealKeys)}
	for _, raw := range []string{"e30=", "seal1.AAAA"} {
		_, err := state.Get(here(raw))
		require.EqualError(t, err, "decode connection state: State.Seal was not made by NewSealKeys")
	}
	resp := serveFixture(t, onUserEvent(withState(webpubsub.TextReply("x"), state.Set(stateSession{})), nil), "user_text")
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
}

// A handler without the keys says what is wrong.
func TestSealedStateWithoutKeys(t *testing.T) {
	t.Parallel()
	raw := stateHeader(t, sealedState(t, 0).Set(stateSession{}))
	_, err := webpubsub.State[stateSession]{}.Get(here(raw))
	require.EqualError(t, err, "decode connection state: the state is sealed, but State.Seal is nil")
}

func TestSealKeysDoNotPrint(t *testing.T) {
	t.Parallel()
	key := []byte("s3cr3t-0f-a-user-0123456789abcde")
	keys, err := webpubsub.NewSealKeys(key)
	require.NoError(t, err)
	assert.Regexp(t, `^webpubsub\.SealKeys\([0-9a-f]{8}\)$`, keys.String())
	state := webpubsub.State[stateSession]{Seal: keys}
	for name, v := range map[string]any{
		"pointer": keys, "copy": *keys, "inside": struct{ K *webpubsub.SealKeys }{keys}, "hidden": struct{ k webpubsub.SealKeys }{*keys},
		"pointer hidden": struct{ k *webpubsub.SealKeys }{keys}, "state": state, "state hidden": struct{ s webpubsub.State[stateSession] }{state},
		"update": state.Set(stateSession{Name: "s3cr3t"}),
	} {
		encoded, err := json.Marshal(v)
		require.NoError(t, err)
		for _, form := range []string{string(key), "s3cr3t", strings.Trim(strings.ReplaceAll(stringOfBytes(key), " ", ""), "[]")} {
			assertNoSecret(t, printed(v)+logLine(v)+string(encoded), name, form)
		}
	}
	assert.Equal(t, keys.String(), keys.LogValue().String())
	_, err = webpubsub.NewSealKeys(key[:20])
	assertNoSecret(t, err.Error(), "error", "s3cr3t")
}

// stringOfBytes returns the output of %v for bytes, shortened.
func stringOfBytes(b []byte) string {
	data, _ := json.Marshal(b)
	return string(data)
}

// A forged state that a function refuses is logged with its fault.
func TestForgedStateIsLogged(t *testing.T) {
	t.Parallel()
	log, logger := debugLog()
	state := sealedState(t, 0)
	cfg := withFallback(func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		_, err := state.Get(ev)
		return webpubsub.Reply{}, err
	})
	cfg.Logger = logger
	resp := serveFixture(t, cfg, "user_text", wireHeader("ce-connectionState", "seal1."+strings.Repeat("A", 60)))
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	record := logRecord(t, log)
	assert.Equal(t, slog.LevelInfo.String(), record["level"])
	assert.Contains(t, record["error"], webpubsub.ErrStateKey.Error())
}
