package webpubsub_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

const (
	chatOrigin = "chat.webpubsub.azure.com"
	gameOrigin = "game.webpubsub.azure.com"
)

// twoHubs returns a mux of two hubs of two services with different keys.
func twoHubs(t *testing.T) *webpubsub.HubMux {
	t.Helper()
	handler := func(cfg webpubsub.Config, origin, key string) *webpubsub.Handler {
		cfg.ConnectionStrings = []string{"Endpoint=https://" + origin + ";AccessKey=" + key}
		h, err := webpubsub.NewHandler(cfg)
		require.NoError(t, err)
		return h
	}
	mux, err := webpubsub.NewHubMux(map[string]*webpubsub.Handler{
		"Chat": handler(webpubsub.Config{Hub: "chat", Fallback: replyText("chat")}, chatOrigin, "key-of-chat"),
		"game": handler(webpubsub.Config{Fallback: replyText("game")}, gameOrigin, "key-of-game"),
	})
	require.NoError(t, err)
	return mux
}

func TestHubMuxRoutes(t *testing.T) {
	t.Parallel()
	mux := twoHubs(t)
	tests := []struct {
		name        string
		hub         []string
		origin, key string
		want        int
		body        string
	}{
		{"first hub", []string{"chat"}, chatOrigin, "key-of-chat", 200, "chat"},
		{"second hub", []string{"game"}, gameOrigin, "key-of-game", 200, "game"},
		{"in another case", []string{"CHAT"}, chatOrigin, "key-of-chat", 200, "chat"},
		{"handler for any hub in another case", []string{"Game"}, gameOrigin, "key-of-game", 200, "game"},
		{"unknown hub", []string{"other"}, chatOrigin, "key-of-chat", 404, ""},
		{"unknown hub, second service", []string{"other"}, gameOrigin, "key-of-game", 404, ""},
		{"no hub", nil, chatOrigin, "key-of-chat", 400, ""},
		{"empty hub", []string{""}, chatOrigin, "key-of-chat", 400, ""},
		{"both hubs", []string{"chat", "game"}, chatOrigin, "key-of-chat", 400, ""},
		{"hub of another service", []string{"game"}, chatOrigin, "key-of-chat", 401, ""},
		{"hub of another service, both origins", []string{"game"}, chatOrigin + ", " + gameOrigin, "key-of-chat", 401, ""},
		{"key of another service", []string{"game"}, gameOrigin, "key-of-chat", 401, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			edits := []func(*http.Request){
				wireHeader("ce-hub", tt.hub...), setOrigin(tt.origin), signed(webpubsub.Sign(tt.key, wireConnectionID)),
			}
			if tt.want != 200 {
				edits = append(edits, unreadableBody(t))
			}
			resp := wireServe(mux, wireRequest(t, "user_text", edits...))
			assert.Equal(t, tt.want, resp.StatusCode)
			if body := wireText(t, resp); tt.want == 200 {
				assert.Equal(t, tt.body, body)
			}
		})
	}
}

func TestHubMuxOtherFaults(t *testing.T) {
	t.Parallel()
	mux := twoHubs(t)
	for name, tt := range map[string]struct {
		edit func(*http.Request)
		want int
	}{
		"method":                  {setMethod("PUT"), 405},
		"method, unknown hub":     {both(setMethod("PUT"), wireHeader("ce-hub", "x")), 405},
		"not ours, unknown hub":   {both(wireHeader("ce-awpsversion"), wireHeader("ce-hub", "x")), 404},
		"foreign type, known hub": {setType("x"), 404},
		"malformed, known hub":    {wireHeader("ce-id"), 400},
	} {
		assert.Equal(t, tt.want, wireServe(mux, wireRequest(t, "user_text", tt.edit, unreadableBody(t))).StatusCode, name)
	}
}

// A validation request gets consent if a handler of any hub allows its origin.
func TestHubMuxValidation(t *testing.T) {
	t.Parallel()
	mux := twoHubs(t)
	for _, fixture := range []string{"options", "get_fallback"} {
		for origin, want := range map[string]string{
			chatOrigin: chatOrigin, gameOrigin: gameOrigin, "evil.com, " + gameOrigin: gameOrigin,
			"evil.com": refusedOrigin, gameOrigin + ".evil.com": refusedOrigin,
		} {
			resp := wireServe(mux, wireRequest(t, fixture, setOrigin(origin)))
			assert.Equal(t, http.StatusOK, resp.StatusCode, origin)
			assertConsent(t, resp, want)
		}
		assert.Equal(t, http.StatusBadRequest, wireServe(mux, wireRequest(t, fixture, setMethod("OPTIONS"), setOrigin())).StatusCode)
	}
}

// The mux binds a copy of a handler to its hub, not the handler itself.
func TestHubMuxBindsItsHandlers(t *testing.T) {
	t.Parallel()
	unbound, err := webpubsub.NewHandler(webpubsub.Config{ConnectionStrings: []string{wireConnectionString}, Fallback: replyText("ok")})
	require.NoError(t, err)
	hubs := map[string]*webpubsub.Handler{"chat": unbound}
	mux, err := webpubsub.NewHubMux(hubs)
	require.NoError(t, err)
	delete(hubs, "chat")
	other := wireHeader("ce-hub", "other")
	assert.Equal(t, http.StatusOK, wireServe(mux, wireRequest(t, "user_text")).StatusCode)
	assert.Equal(t, http.StatusNotFound, wireServe(mux, wireRequest(t, "user_text", other)).StatusCode)
	assert.Equal(t, http.StatusOK, wireServe(unbound, wireRequest(t, "user_text", other)).StatusCode)
}

func TestHubMuxMistakes(t *testing.T) {
	t.Parallel()
	h := func(hub string) *webpubsub.Handler {
		h, err := webpubsub.NewHandler(webpubsub.Config{Hub: hub, ConnectionStrings: []string{wireConnectionString}})
		require.NoError(t, err)
		return h
	}
	const rule = ": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)"
	tests := map[string]struct {
		hubs map[string]*webpubsub.Handler
		want string
	}{
		"nil":               {nil, "webpubsub: hub mux: no hubs given"},
		"empty":             {map[string]*webpubsub.Handler{}, "webpubsub: hub mux: no hubs given"},
		"no name":           {map[string]*webpubsub.Handler{"": h("")}, `webpubsub: hub mux: hub ""` + rule},
		"blank name":        {map[string]*webpubsub.Handler{" ": h("")}, `webpubsub: hub mux: hub " "` + rule},
		"space around":      {map[string]*webpubsub.Handler{"chat ": h("")}, `webpubsub: hub mux: hub "chat "` + rule},
		"nil handler":       {map[string]*webpubsub.Handler{"chat": nil}, `webpubsub: hub mux: handler of hub "chat" is nil`},
		"other hub":         {map[string]*webpubsub.Handler{"chat": h("game")}, `webpubsub: hub mux: hub "chat" has a handler for hub "game"`},
		"differ by case":    {map[string]*webpubsub.Handler{"chat": h(""), "CHAT": h("")}, `webpubsub: hub mux: hub "chat" is a duplicate: names are compared without case`},
		"zero value inside": {map[string]*webpubsub.Handler{"chat": new(webpubsub.Handler)}, `webpubsub: hub mux: handler of hub "chat" was not made by NewHandler`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mux, err := webpubsub.NewHubMux(tt.hubs)
			require.EqualError(t, err, tt.want)
			assert.Nil(t, mux)
		})
	}
}

// The zero Handler and the zero HubMux refuse every request.
func TestZeroHandlersFailClosed(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.Handler{"handler": new(webpubsub.Handler), "mux": new(webpubsub.HubMux)} {
		for _, fixture := range []string{"options", "get_fallback", "connect", "connected", "user_text"} {
			resp := wireServe(h, wireRequest(t, fixture, unreadableBody(t)))
			assert.GreaterOrEqual(t, resp.StatusCode, 400, "%s %s", name, fixture)
			assertConsent(t, resp, refusedOrigin)
		}
	}
}
