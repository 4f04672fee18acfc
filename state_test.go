package webpubsub_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

type stateSession struct {
	Name    string         `json:"name,omitempty"`
	Counter int            `json:"counter,omitempty"`
	Blob    []byte         `json:"blob,omitempty"`
	Nested  map[string]any `json:"nested,omitempty"`
}

// stateOf returns an event with a state.
func stateOf(raw string) *webpubsub.UserEvent {
	return &webpubsub.UserEvent{Meta: webpubsub.Meta{RawState: raw}}
}

// stateHeader returns the header that an update sets.
func stateHeader(tb testing.TB, u webpubsub.StateUpdate) string {
	tb.Helper()
	resp := serveFixture(tb, onUserEvent(withState(webpubsub.Reply{}, u), nil), "user_text")
	require.Equal(tb, http.StatusNoContent, resp.StatusCode)
	require.Len(tb, resp.Header.Values("ce-connectionState"), 1)
	return resp.Header.Get("ce-connectionState")
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestUE86InvalidStates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		raw  string
		ok   bool
	}{
		{"absent", "", true},
		{"empty object", "e30=", true},
		{"not base64", "%%%", false},
		{"plain JSON", `{"a":1}`, false},
		{"array", b64("[1]"), false},
		{"number", b64("1"), false},
		{"null", b64("null"), false},
		{"string", b64(`"x"`), false},
		{"cut short", b64(`{"a":1`), false},
		{"two objects", b64(`{}{}`), false},
		{"wrong kind of member", b64(`{"counter":"x"}`), false},
		{"right and wrong members", b64(`{"name":"x","counter":"x"}`), false},
		{"padding alone", "====", false},
		{"one character", "e", false},
		{"not ASCII", "é", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, codec := range []webpubsub.StateCodec{webpubsub.StateJSON, webpubsub.StateDotNet} {
				var got stateSession
				var err error
				resp := serveFixture(t, withFallback(func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
					got, err = webpubsub.State[stateSession]{Codec: codec}.Get(ev)
					return webpubsub.Reply{}, nil
				}), "user_text", wireHeader("ce-connectionState", tt.raw))
				assert.Equal(t, http.StatusNoContent, resp.StatusCode, "a broken state fails no request by itself")
				assert.Empty(t, resp.Header.Values("ce-connectionState"), "UE 89: read without set sends nothing")
				assert.Zero(t, got, "nothing half decoded")
				if tt.ok {
					require.NoError(t, err)
					continue
				}
				var decode *webpubsub.DecodeError
				require.ErrorAs(t, err, &decode)
				assert.Equal(t, "connection state", decode.What)
			}
		})
	}
}

// A function can return the error of Get.
func TestUE86BrokenStateReturned(t *testing.T) {
	t.Parallel()
	resp := serveFixture(t, withFallback(func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		_, err := webpubsub.State[stateSession]{}.Get(ev)
		return webpubsub.Reply{}, err
	}), "user_text", wireHeader("ce-connectionState", b64("secret")))
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	assert.Equal(t, "connection state cannot be decoded", wireText(t, resp))
}

func TestUE87AndUE90MergeWithWhatWasThere(t *testing.T) {
	t.Parallel()
	var state webpubsub.State[map[string]any]
	resp := serveFixture(t, withFallback(func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		s, err := state.Get(ev)
		if err != nil {
			return webpubsub.Reply{}, err
		}
		s["n"] = 2
		assert.Equal(t, map[string]any{"a": map[string]any{"b": []any{1.0}}, "n": 2}, s, "UE 90: what was there, and the new key")
		return webpubsub.Reply{State: state.Set(s)}, nil
	}), "user_text", wireHeader("ce-connectionState", b64(`{"a":{"b":[1]}}`)))
	assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	assert.Equal(t, "eyJhIjp7ImIiOlsxXX0sIm4iOjJ9", resp.Header.Get("ce-connectionState"))
}

func TestUE88DotNet(t *testing.T) {
	t.Parallel()
	const wire = "eyJjb3VudGVyIjoiTWc9PSJ9"
	plain, err := webpubsub.State[map[string]string]{}.Get(stateOf(wire))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"counter": "Mg=="}, plain, "as web-pubsub-express reads it")

	dotNet := webpubsub.State[stateSession]{Codec: webpubsub.StateDotNet}
	s, err := dotNet.Get(stateOf(wire))
	require.NoError(t, err)
	assert.Equal(t, stateSession{Counter: 2}, s)
	assert.Equal(t, wire, stateHeader(t, dotNet.Set(s)))

	fixture := receive[*webpubsub.UserEvent](t, "user_state_dotnet")
	_, err = dotNet.Get(fixture)
	require.NoError(t, err)
	_, err = webpubsub.State[map[string]any]{}.Get(receive[*webpubsub.UserEvent](t, "user_state"))
	require.NoError(t, err)
}

func TestUE88DotNetMembers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		json string
		want stateSession
	}{
		{"number", `{"counter":"Mg=="}`, stateSession{Counter: 2}},
		{"JSON text", `{"name":"` + b64(`"vic"`) + `"}`, stateSession{Name: "vic"}},
		{"bare text", `{"name":"` + b64(`vic the 1st`) + `"}`, stateSession{Name: "vic the 1st"}},
		{"empty text", `{"name":""}`, stateSession{}},
		{"object", `{"nested":"` + b64(`{"a":[1]}`) + `"}`, stateSession{Nested: map[string]any{"a": []any{1.0}}}},
		{"JSON null", `{"counter":"` + b64(`null`) + `"}`, stateSession{}},
		{"bytes", `{"blob":"//8A"}`, stateSession{Blob: []byte{0xff, 0xff, 0}}},
		{"1.1.0: raw number", `{"counter":2}`, stateSession{Counter: 2}},
		{"1.1.0: raw object", `{"nested":{"a":1}}`, stateSession{Nested: map[string]any{"a": 1.0}}},
		{"1.1.0: JSON inside a string", `{"name":"\"x\""}`, stateSession{Name: "x"}},
		{"1.1.0: text", `{"name":"not base64!"}`, stateSession{Name: "not base64!"}},
		{"1.1.0: text that looks like base64", `{"name":"text"}`, stateSession{Name: "text"}},
		{"1.1.0: null", `{"counter":null}`, stateSession{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := webpubsub.State[stateSession]{Codec: webpubsub.StateDotNet}.Get(stateOf(b64(tt.json)))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestUE89NoSetNoHeader(t *testing.T) {
	t.Parallel()
	resp := serveFixture(t, onUserEvent(withState(webpubsub.TextReply("x"), webpubsub.StateUpdate{}), nil), "user_state")
	assert.Empty(t, resp.Header.Values("ce-connectionState"))
}

func TestUE91Clear(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "e30=", stateHeader(t, webpubsub.State[stateSession]{}.Clear()))
	assert.Equal(t, "e30=", stateHeader(t, webpubsub.State[stateSession]{Codec: webpubsub.StateDotNet}.Clear()))
	assert.Equal(t, "e30=", stateHeader(t, webpubsub.State[stateSession]{}.Set(stateSession{})))
	assert.Empty(t, stateHeader(t, webpubsub.RawState("")), "the other way, of section 7")
}

func TestStateVectors(t *testing.T) {
	t.Parallel()
	type anyMap = map[string]any
	tests := []struct {
		name  string
		codec webpubsub.StateCodec
		value anyMap
		wire  string
	}{
		{"JS", webpubsub.StateJSON, anyMap{"k": 1.0}, "eyJrIjoxfQ=="},
		{"documentation", webpubsub.StateJSON, anyMap{"key": "a"}, "eyJrZXkiOiJhIn0="},
		{".NET", webpubsub.StateDotNet, anyMap{"counter": 2.0}, "eyJjb3VudGVyIjoiTWc9PSJ9"},
		{"JS, not ASCII", webpubsub.StateJSON, anyMap{"用": "户"}, b64(`{"用":"户"}`)},
		{".NET, not ASCII", webpubsub.StateDotNet, anyMap{"用": "户"}, b64(`{"用":"` + b64(`"户"`) + `"}`)},
		{".NET, null", webpubsub.StateDotNet, anyMap{"a": nil}, b64(`{"a":"` + b64("null") + `"}`)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			state := webpubsub.State[anyMap]{Codec: tt.codec}
			assert.Equal(t, tt.wire, stateHeader(t, state.Set(tt.value)))
			got, err := state.Get(stateOf(tt.wire))
			require.NoError(t, err)
			assert.Equal(t, tt.value, got)
		})
	}
}

// Node decodes either alphabet, padded or not.
func TestStateAlphabets(t *testing.T) {
	t.Parallel()
	const object = `{"name":"???>>>"}`
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		got, err := webpubsub.State[stateSession]{}.Get(stateOf(encoding.EncodeToString([]byte(object))))
		require.NoError(t, err)
		assert.Equal(t, "???>>>", got.Name)
	}
}

func TestStateSize(t *testing.T) {
	t.Parallel()
	// {"s":"…"} of n bytes is base64 of 4*ceil(n/3) bytes.
	state := webpubsub.State[map[string]string]{}
	sized := func(n int) webpubsub.StateUpdate { return state.Set(map[string]string{"s": strings.Repeat("x", n-8)}) }
	assert.Len(t, stateHeader(t, sized(6144)), webpubsub.MaxStateBytes)
	const rule = "at most 8192 are sent: keep what is long in a store of your own, and its key in the state"
	for want, update := range map[string]webpubsub.StateUpdate{
		"connection state of type map[string]string has 8196 bytes as a header, " + rule: sized(6145),
		"connection state given to RawState has 8193 bytes as a header, " + rule:         webpubsub.RawState(strings.Repeat("x", 8193)),
	} {
		for fixture, cfg := range map[string]webpubsub.Config{
			"user_text": onUserEvent(withState(webpubsub.Reply{}, update), nil),
			"connect":   onConnect(&webpubsub.ConnectReply{State: update}, nil),
		} {
			log, logger := debugLog()
			cfg.Logger = logger
			resp := serveFixture(t, cfg, fixture)
			assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
			assert.Empty(t, resp.Header.Values("ce-connectionState"))
			assert.Contains(t, logRecord(t, log)["error"], want)
		}
	}
	assert.Len(t, stateHeader(t, webpubsub.RawState(strings.Repeat("x", 8192))), 8192)
}

func TestInvalidStateUpdates(t *testing.T) {
	t.Parallel()
	const object = " is not a JSON object, which web-pubsub-express and .NET expect; use a struct, or a map that is not nil"
	for want, u := range map[string]webpubsub.StateUpdate{
		"encode connection state: a []int" + object:                                 webpubsub.State[[]int]{}.Set([]int{1}),
		"encode connection state: a int" + object:                                   webpubsub.State[int]{}.Set(1),
		"encode connection state: a string" + object:                                webpubsub.State[string]{}.Set("{" + strings.Repeat("x", 10_000)),
		"encode connection state: a map[string]int" + object:                        webpubsub.State[map[string]int]{}.Set(nil),
		"encode connection state: a *webpubsub_test.stateSession" + object:          webpubsub.State[*stateSession]{}.Set(nil),
		"encode connection state: a []string" + object:                              webpubsub.State[[]string]{Codec: webpubsub.StateDotNet}.Set(nil),
		"encode connection state: json: unsupported type: chan int":                 webpubsub.State[map[string]chan int]{}.Set(map[string]chan int{"c": nil}),
		"connection state is not printable ASCII without leading or trailing space": webpubsub.RawState("a\nb"),
	} {
		log, logger := debugLog()
		cfg := onUserEvent(withState(webpubsub.TextReply("x"), u), nil)
		cfg.Logger = logger
		resp := serveFixture(t, cfg, "user_text")
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode, want)
		assert.Empty(t, resp.Header.Values("ce-connectionState"), want)
		assert.Equal(t, "Internal Server Error", wireText(t, resp), want)
		assert.Equal(t, "reply: "+want, logRecord(t, log)["error"])
	}
}

func TestStatesOfOtherTypes(t *testing.T) {
	t.Parallel()
	p, err := webpubsub.State[*stateSession]{}.Get(stateOf(b64(`{"name":"x"}`)))
	require.NoError(t, err)
	assert.Equal(t, &stateSession{Name: "x"}, p)
	_, err = webpubsub.State[[]int]{}.Get(stateOf(b64(`[1]`)))
	require.Error(t, err)

	got, err := webpubsub.State[stateSession]{}.Get(&webpubsub.ConnectedEvent{Meta: webpubsub.Meta{RawState: b64(`{"name":"x"}`)}})
	require.NoError(t, err)
	assert.Equal(t, "x", got.Name, "any kind of event has it")
}

// A value is encoded when the reply is written, not by Set.
func TestStateIsEncodedWithTheReply(t *testing.T) {
	t.Parallel()
	s := map[string]int{"n": 1}
	u := webpubsub.State[map[string]int]{}.Set(s)
	s["n"] = 2
	assert.Equal(t, b64(`{"n":2}`), stateHeader(t, u))
}

func TestUE42AndUE44StateVectors(t *testing.T) {
	t.Parallel()
	for fixture, want := range map[string]map[string]any{
		"eyJrIjoxfQ==": {"k": 1},
		"eyJrZXkxIjpbInZhbDMiXSwia2V5MiI6InZhbDIiLCJrZXkzIjoiIn0=": {"key1": []string{"val3"}, "key2": "val2", "key3": ""},
	} {
		reply := &webpubsub.ConnectReply{State: webpubsub.State[map[string]any]{}.Set(want)}
		resp := serveFixture(t, onConnect(reply, nil), "connect")
		assert.Equal(t, http.StatusNoContent, resp.StatusCode)
		assert.Equal(t, []string{fixture}, resp.Header.Values("ce-connectionState"))
	}
}
