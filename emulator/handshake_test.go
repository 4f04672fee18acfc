package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

func TestHandshakeOutcomes(t *testing.T) {
	t.Parallel()
	signed := func(claims jwt.MapClaims) func(t *testing.T) string {
		return func(t *testing.T) string {
			t.Helper()
			return base + "/client/hubs/chat?access_token=" + sign(t, "chat", claims)
		}
	}
	text := func(s string) func(*testing.T) string { return func(*testing.T) string { return s } }
	ago := func(d time.Duration) int64 { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(-d).Unix() } // start of a bubble's clock
	for _, tc := range []struct {
		name   string
		url    func(*testing.T) string
		status int
		body   string
	}{
		{"token", signed(nil), 101, ""},
		{"no token", text(base + "/client/hubs/chat"), 401, "Unauthorized\n"},
		{"empty token", text(base + "/client/hubs/chat?access_token="), 401, "Unauthorized\n"},
		{"no JWT", text(base + "/client/hubs/chat?access_token=a.b.c"), 401, "Unauthorized\n"},
		{"anonymous allowed", text(base + "/client/hubs/open"), 101, ""},
		{"anonymous allowed, invalid token", text(base + "/client/hubs/open?access_token=a.b.c"), 401, "Unauthorized\n"},
		{"expired within leeway", signed(jwt.MapClaims{"exp": ago(4 * time.Minute)}), 101, ""},
		{"expired", signed(jwt.MapClaims{"exp": ago(6 * time.Minute)}), 401, "Unauthorized\n"},
		{"no expiry", signed(jwt.MapClaims{"exp": nil}), 401, "Unauthorized\n"},
		{"not yet within leeway", signed(jwt.MapClaims{"nbf": ago(-4 * time.Minute)}), 101, ""},
		{"not yet", signed(jwt.MapClaims{"nbf": ago(-6 * time.Minute)}), 401, "Unauthorized\n"},
		{"audience of another hub", signed(jwt.MapClaims{"aud": base + "/client/hubs/other"}), 401, "Unauthorized\n"},
		{"audience in another case", signed(jwt.MapClaims{"aud": "HTTP://EMU.test/client/hubs/CHAT"}), 101, ""},
		{"audiences", signed(jwt.MapClaims{"aud": []string{"x", base + "/client/hubs/chat"}}), 101, ""},
		{"audience missing", signed(jwt.MapClaims{"aud": nil}), 401, "Unauthorized\n"},
		{"other key", func(t *testing.T) string {
			t.Helper()
			return base + "/client/hubs/chat?access_token=" + signWith(t, "other", jwt.MapClaims{"aud": base + "/client/hubs/chat", "exp": time.Now().Add(time.Hour).Unix()})
		}, 401, "Unauthorized\n"},
		{"no signature", func(t *testing.T) string {
			t.Helper()
			s, err := jwt.NewWithClaims(jwt.SigningMethodNone, jwt.MapClaims{"aud": base + "/client/hubs/chat", "exp": time.Now().Add(time.Hour).Unix()}).SignedString(jwt.UnsafeAllowNoneSignatureType)
			require.NoError(t, err)
			return base + "/client/hubs/chat?access_token=" + s
		}, 401, "Unauthorized\n"},
		{"group blank in token", signed(jwt.MapClaims{"webpubsub.group": []string{"a", " "}}), 400, "The token contains an invalid group name.\n"},
		{"group too long in token", signed(jwt.MapClaims{"webpubsub.group": strings.Repeat("ü", 1025)}), 400, "The token contains an invalid group name.\n"},
		{"group of the maximum length", signed(jwt.MapClaims{"webpubsub.group": strings.Repeat("ü", 1024)}), 101, ""},
		{"control character in the user id", signed(jwt.MapClaims{"sub": "ann\r\nce-hub: other"}), 400, "The token contains an invalid user id.\n"},
		{"control character in the other user id", signed(jwt.MapClaims{"sub": nil, "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": "ann\x00"}), 400, "The token contains an invalid user id.\n"},
		{"user id in UTF-8", signed(jwt.MapClaims{"sub": "用户"}), 101, ""},
		{"invalid pattern of a role", signed(jwt.MapClaims{"role": "webpubsub.sendToGroups.******"}), 500, "Internal Server Error\n"},
		{"hub missing", text(base + "/client/"), 400, "The hub name is missing or invalid.\n"},
		{"invalid hub", text(base + "/client/hubs/1"), 400, "The hub name is missing or invalid.\n"},
		{"unknown path", text(base + "/clients/hubs/chat"), 404, "404 page not found\n"},
		{"invalid mode", text(base + "/client/hubs/open?webpubsub_mode=x"), 400, "webpubsub_mode \"x\": want sendEvent or sendToGroup\n"},
		{"group is missing", text(base + "/client/hubs/open?webpubsub_mode=sendToGroup"), 400, "group \"\": want 1 to 1024 characters of UTF-8, not blank\n"},
		{"invalid noEcho", text(base + "/client/hubs/open?webpubsub_mode=sendToGroup&group=g&noEcho=yes"), 400, "noEcho \"yes\": want true or false\n"},
		{"the last value is used", text(base + "/client/hubs/open?webpubsub_mode=x&webpubsub_mode=SENDTOGROUP&group=&group=g&noEcho=x&noEcho=FALSE"), 101, ""},
		{"sendEvent ignores the rest", text(base + "/client/hubs/open?webpubsub_mode=sendEvent&noEcho=yes"), 101, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{Hubs: map[string]emulator.Hub{"Open": {AllowAnonymous: true}}})
				_, resp := r.try(tc.url(t), nil)
				require.Equal(t, tc.status, resp.StatusCode)
				if tc.status != http.StatusSwitchingProtocols {
					body, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					assert.Equal(t, tc.body, string(body))
				}
			})
		})
	}
}

func TestNotAHandshake(t *testing.T) {
	t.Parallel()
	whole := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
	for _, tc := range []struct {
		name   string
		method string
		change func(http.Header)
	}{
		{"no upgrade", http.MethodGet, func(h http.Header) { h.Del("Upgrade"); h.Del("Connection") }},
		{"POST", http.MethodPost, func(http.Header) {}},
		{"version", http.MethodGet, func(h http.Header) { h.Set("Sec-Websocket-Version", "12") }},
		{"no key", http.MethodGet, func(h http.Header) { h.Del("Sec-Websocket-Key") }},
		{"short key", http.MethodGet, func(h http.Header) { h.Set("Sec-Websocket-Key", "AAAA") }},
		{"two keys", http.MethodGet, func(h http.Header) { h.Add("Sec-Websocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==") }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &script{}
				r := newRig(t, chat(h))
				req, err := http.NewRequestWithContext(t.Context(), tc.method, r.clientURL("", ""), http.NoBody)
				require.NoError(t, err)
				req.Header = whole.Clone()
				tc.change(req.Header)
				resp, err := r.http.Do(req)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
				assert.Empty(t, h.settled(), "no event is sent")
			})
		})
	}
}

// A proxy that speaks HTTP/1.0, the default of nginx, cannot pass on a WebSocket.
func TestHandshakeOfHTTP10(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.clientURL("", ""), http.NoBody)
		require.NoError(t, err)
		req.Header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}}
		req.Proto, req.ProtoMinor = "HTTP/1.0", 0
		w := httptest.NewRecorder()
		r.server.ServeHTTP(w, req)
		assert.Equal(t, http.StatusBadRequest, w.Code)
		assert.Contains(t, w.Body.String(), "needs HTTP/1.1, not HTTP/1.0")
		assert.Empty(t, h.settled(), "no event is sent")
	})
}

func TestQueryTokenPrecedesHeader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		good, bad := sign(t, "chat", jwt.MapClaims{"sub": "q", "custom": []any{"a", 1, true}}), "a.b.c"
		header := func(token string) http.Header {
			return http.Header{"Authorization": {"Bearer " + token}, "X-ASRS-Internal-Id": {"1"}, "X-Own": {"1", "2"}}
		}
		_, resp := r.try(base+"/client/hubs/chat?access_token="+bad, header(good))
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		p, _ := r.try(base+"/client/hubs/chat?Access_Token="+good+"&room=1&room=2", header(bad), plainJSON, "own")
		require.NotNil(t, p)
		ev := h.one(t, "connect")
		for _, secret := range []string{good, "Authorization", "X-Asrs-Internal-Id", "ccess_"} {
			assert.NotContains(t, ev.body, secret)
		}
		assert.Contains(t, ev.body, `"query":{"room":["1","2"]}`)
		assert.Contains(t, ev.body, `"custom":["a","1","true"]`)
		assert.Contains(t, ev.body, `"X-Own":["1","2"]`)
		assert.Contains(t, ev.body, `"subprotocols":["`+plainJSON+`","own"]`)
		assert.Contains(t, ev.body, `"clientCertificates":[]`)
	})
}

// TestEmptySub checks that an empty claim differs from a missing one.
func TestEmptySub(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const long = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"
		r := newRig(t, emulator.Config{})
		for want, claims := range map[string]jwt.MapClaims{
			"":    {"sub": "", long: "ann", "webpubsub.group": "g"},
			"bob": {"sub": "bob", long: "ann"},
			"ann": {long: "ann"},
		} {
			p := r.json(base+"/client/hubs/chat?access_token="+sign(t, "chat", claims), plainJSON)
			assert.Equal(t, want, p.greeting["userId"])
		}
		none := r.json(r.clientURL("", ""), plainJSON)
		assert.Nil(t, none.greeting["userId"])
	})
}

func TestNegotiation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		offered []string
		chosen  string // subprotocol of the answer to connect
		agreed  string
		status  int
	}{
		{"nothing offered", nil, "", "", 101},
		{"first one of the service", []string{"own", reliableJSON, plainJSON}, "", reliableJSON, 101},
		{"only custom subprotocols", []string{"own", "other"}, "", "", 101},
		{"handler chooses a custom one", []string{plainJSON, "own"}, "own", "own", 101},
		{"handler chooses the reliable one", []string{plainJSON, reliableJSON}, reliableJSON, reliableJSON, 101},
		{"handler chooses another than offered", []string{plainJSON}, "own", "", 500},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &script{on: map[string]http.HandlerFunc{}}
				if tc.chosen != "" {
					h.on["connect"] = answer(http.StatusOK, "", `{"subprotocol":"`+tc.chosen+`"}`)
				}
				r := newRig(t, chat(h))
				p, resp := r.try(r.clientURL("", ""), nil, tc.offered...)
				require.Equal(t, tc.status, resp.StatusCode)
				if p == nil {
					assert.Equal(t, []string{"OPTIONS", "connect"}, h.settled(), "no connected, no disconnected")
					return
				}
				assert.Equal(t, tc.agreed, p.conn.Subprotocol())
				assert.Equal(t, tc.agreed, h.one(t, "connected").header.Get("ce-subprotocol"))
				if strings.HasPrefix(tc.agreed, "json.") {
					assert.Equal(t, "connected", p.next()["event"])
					return
				}
				p.send("hello") // a raw client
				synctest.Wait()
				assert.Equal(t, "hello", h.one(t, "message").body)
			})
		})
	}
}

func TestSeveralHubsAndServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one, two := newRig(t, emulator.Config{}), newRig(t, emulator.Config{AccessKeys: []string{longKey, "2" + longKey}})
		_, resp := two.try(two.clientURL("ann", ""), nil)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "a token of another server")
		for _, key := range []string{longKey, "2" + longKey} {
			claims := jwt.MapClaims{"aud": base + "/client/hubs/chat", "exp": time.Now().Add(time.Hour).Unix(), "webpubsub.group": "g"}
			p, _ := two.try(base+"/client/hubs/chat?access_token="+signWith(t, key, claims), nil, plainJSON)
			require.NotNil(t, p, key)
		}
		member := one.member("ann", "g")
		q := url.Values{"access_token": {sign(t, "other", jwt.MapClaims{"webpubsub.group": "g", "role": "webpubsub.sendToGroup"})}}
		stranger, _ := one.try(base+"/client/hubs/other?"+q.Encode(), nil, plainJSON)
		stranger.next()
		stranger.send(`{"type":"sendToGroup","group":"g","dataType":"text","data":"x"}`)
		assert.Equal(t, "other hub's x", "other hub's "+stranger.next()["data"].(string))
		member.quiet()
	})
}

func TestNameidentifierIsTheUser(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		token := sign(t, "chat", jwt.MapClaims{"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier": "net"})
		p := r.json(base+"/client/hubs/chat?access_token="+token, plainJSON)
		assert.Equal(t, "net", p.greeting["userId"])
	})
}

func TestStoppingServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.member("ann")
		go r.server.Close()
		p.closed(websocket.StatusGoingAway, "The server is stopping.")
		synctest.Wait()
		_, resp := r.try(r.clientURL("", ""), nil)
		assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	})
}
