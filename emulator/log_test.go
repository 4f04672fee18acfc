package emulator_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// record is a log in memory.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.String()
}

// writer puts a text into every field of clients, REST calls and event handlers, one
// after the other. It ignores the results.
type writer struct {
	*rig
	text   string
	inJSON string // with quotes
}

func newWriter(r *rig, text string) *writer {
	quoted, err := json.Marshal(text)
	require.NoError(r.t, err)
	return &writer{r, text, string(quoted)}
}

// repeating is an event handler that puts a text into every field of its answers.
func repeating(text string) *script {
	return &script{on: map[string]http.HandlerFunc{
		"refuse":   answer(http.StatusBadRequest, "text/plain", text, "X-Error", text),
		"type":     answer(http.StatusOK, text, text),
		"metadata": answer(http.StatusOK, "text/plain", text, "X-WebPubSub-Metadata-A", text),
		"json":     answer(http.StatusOK, "application/json", text),
		"connect":  answer(http.StatusOK, "application/json", `{"subprotocol":"`+text),
	}}
}

func (w *writer) connect(target string, header http.Header, subprotocols ...string) *peer {
	conn, _, err := websocket.Dial(w.t.Context(), target, &websocket.DialOptions{HTTPClient: w.http, HTTPHeader: header, Subprotocols: subprotocols})
	if err != nil {
		return nil
	}
	w.t.Cleanup(func() { _ = conn.CloseNow() })
	return &peer{t: w.t, conn: conn}
}

// user is the text as a user id, which has no control characters.
func (w *writer) user() string { return strings.ReplaceAll(w.text, "\n", " ") }

func (w *writer) handshakes() {
	q := url.QueryEscape(w.text)
	good := base + "/client/hubs/loud?access_token=" + sign(w.t, "loud", nil)
	claims := jwt.MapClaims{
		"sub": w.user(), "role": []string{"webpubsub.sendToGroup." + w.text, "webpubsub.joinLeaveGroups." + w.text + `\`},
		"webpubsub.group": []string{w.text}, w.text: w.text,
	}
	for _, target := range []string{
		w.clientURL("ann", ""),
		base + "/client/hubs/chat?access_token=" + sign(w.t, "chat", claims),
		base + "/client/hubs/chat?access_token=" + sign(w.t, "chat", jwt.MapClaims{"sub": w.user(), "webpubsub.group": w.text}),
		base + "/client/hubs/chat?access_token=" + sign(w.t, "chat", jwt.MapClaims{"aud": w.text}),
		base + "/client/hubs/chat?access_token=" + sign(w.t, "chat", jwt.MapClaims{"aud": w.text, "exp": w.text}),
		base + "/client/hubs/chat?access_token=" + q,
		base + "/client/hubs/quiet?access_token=" + sign(w.t, "quiet", jwt.MapClaims{"sub": w.user()}),
		base + "/client/hubs/quiet?access_token=" + sign(w.t, "quiet", jwt.MapClaims{"sub": w.text}),
		base + "/client/hubs/" + url.PathEscape(w.text) + "?access_token=x",
		base + "/client/?hub=" + q,
		good + "&" + q + "=" + q,
		good + "&webpubsub_mode=" + q,
		good + "&webpubsub_mode=sendToGroup&noEcho=" + q + "&group=g",
		good + "&awps_connection_id=" + q + "&awps_reconnection_token=" + q,
		base + "/" + url.PathEscape(w.text),
	} {
		w.connect(target, nil)
		w.connect(target, nil, reliableJSON)
	}
	w.connect(good, nil, w.text)
	for _, name := range []string{"Origin", "Authorization", "User-Agent", "X-ASRS-Internal-" + w.text, w.text, "Sec-WebSocket-Protocol"} {
		w.connect(good, http.Header{name: {w.text}})
		w.connect(base+"/client/hubs/chat", http.Header{name: {w.text}, "Authorization": {"Bearer " + w.text}})
	}
}

func (w *writer) frames() {
	t := w.inJSON
	quiet := base + "/client/hubs/quiet?access_token=" + sign(w.t, "quiet", jwt.MapClaims{"sub": w.user()})
	for _, frame := range []string{
		`{"type":"joinGroup","group":` + t + `}`,
		`{"type":"leaveGroup","group":` + t + `}`,
		`{"type":"sendToGroup","group":` + t + `,"data":` + t + `}`,
		`{"type":"sendToGroup","group":"g","dataType":` + t + `,"data":1}`,
		`{"type":"sendToGroup","group":"g","data":1,"metadata":{` + t + `:` + t + `}}`,
		`{"type":"sendToGroup","group":` + t + `,"stream":{"streamId":` + t + `}}`,
		`{"type":"streamData","streamId":` + t + `,"streamSequenceId":1,"data":` + t + `}`,
		`{"type":"streamEnd","streamId":` + t + `,"error":{"message":` + t + `,"userErrorCode":` + t + `}}`,
		`{"type":"event","event":` + t + `,"data":` + t + `,"ackId":1}`,
		`{"type":"invoke","invocationId":` + t + `,"target":"event","event":` + t + `,"data":1}`,
		`{"type":"invoke","invocationId":` + t + `,"target":` + t + `,"event":"e","data":1}`,
		`{"type":"cancelInvocation","invocationId":` + t + `}`,
		`{"type":` + t + `}`,
		`{"type":"joinGroup","ackId":` + t + `}`,
		`{` + t + `:` + t + `}`,
		t, w.text,
	} {
		p := w.connect(quiet, nil, reliableJSON)
		require.NotNil(w.t, p)
		_ = p.conn.Write(w.t.Context(), websocket.MessageText, []byte(frame))
		_ = p.conn.Write(w.t.Context(), websocket.MessageText, []byte(frame)) // repeats the frame, for a stream that exists
		synctest.Wait()
		_ = p.conn.CloseNow()
	}
	for _, event := range []string{"refuse", "type", "metadata", "json"} {
		p := w.connect(base+"/client/hubs/loud?access_token="+sign(w.t, "loud", nil), nil, plainJSON)
		require.NotNil(w.t, p)
		p.next()
		p.send(`{"type":"event","event":"` + event + `","data":1,"ackId":1}`)
		p.next()
	}
	for _, subprotocol := range []string{plainJSON, reliableJSON} {
		p := w.connect(quiet, nil, subprotocol)
		require.NotNil(w.t, p)
		_ = p.conn.Close(websocket.StatusNormalClosure, w.text[:min(len(w.text), 123)])
	}
}

func (w *writer) calls() {
	q, p := url.QueryEscape(w.text), url.PathEscape(w.text)
	for _, call := range [][2]string{
		{"POST", "/" + p + "/:send"}, {"POST", "/groups/" + p + "/:send?filter=" + q}, {"POST", "/groups/" + p + "/:send"},
		{"POST", "/users/" + p + "/:send?excluded=" + q + "&messageTtlSeconds=" + q}, {"POST", "/connections/" + p + "/:send"},
		{"POST", "/users/" + p + "/:closeConnections?reason=" + q}, {"DELETE", "/connections/" + p + "?reason=" + q},
		{"PUT", "/groups/" + p + "/connections/" + p}, {"PUT", "/permissions/" + p + "/connections/" + p + "?targetName=" + q},
		{"GET", "/groups/" + p + "/connections?continuationToken=" + q}, {"POST", "/:generateToken?userId=" + q + "&role=" + q + "&clientType=" + q},
		{"POST", "/:addToGroups?api-version=" + q},
	} {
		target := base + "/api/hubs/chat" + call[1]
		for _, token := range []string{w.text, sign(w.t, "", jwt.MapClaims{"aud": w.text}), sign(w.t, "", jwt.MapClaims{"aud": target})} {
			for _, header := range []http.Header{{"Origin": {w.text}}, {"Content-Type": {w.text}}, {"Content-Type": {"application/json"}}} {
				req, err := http.NewRequestWithContext(w.t.Context(), call[0], target, strings.NewReader(w.inJSON))
				require.NoError(w.t, err)
				req.Header = header
				req.Header.Set("Authorization", "Bearer "+token)
				if resp, err := w.http.Do(req); err == nil { // some headers cannot be sent
					_ = resp.Body.Close()
				}
			}
		}
	}
}

// logOf returns the log of an emulator that gets a text in every field.
func logOf(t *testing.T, what func(*rig) string) (text, logged string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := &record{}
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { repeating(text).ServeHTTP(w, r) })
		cfg := chat(h)
		cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.Hubs["loud"] = emulator.Hub{EventHandlers: []emulator.EventHandler{{Handler: h, UserEventPattern: "*"}}}
		r := newRig(t, cfg)
		text = what(r)
		w := newWriter(r, text)
		w.handshakes()
		w.frames()
		w.calls()
		synctest.Wait()
		logged = log.String()
	})
	return text, logged
}

func TestLogHidesSecrets(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]func(*rig) string{
		"key":   func(*rig) string { return emulator.DefaultAccessKey },
		"token": func(r *rig) string { return sign(r.t, "chat", jwt.MapClaims{"sub": "eve"}) },
		"reconnection token": func(r *rig) string {
			p := r.json(base+"/client/hubs/loud?access_token="+sign(r.t, "loud", nil), reliableJSON)
			return p.greeting["reconnectionToken"].(string)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, logged := logOf(t, secret)
			for line := range strings.Lines(logged) {
				for i := 0; i+16 <= len(text); i += 16 { // no part of it
					assert.NotContains(t, strings.ToLower(line), strings.ToLower(text[i:i+16]))
				}
			}
			for _, what := range []string{"user_id=", "reason=", "path="} {
				assert.Regexp(t, what+`.*\((key|token)\)`, logged, "the secret is replaced")
			}
		})
	}
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	_, logged := logOf(t, func(*rig) string { return strings.Repeat("long\nü", 1000) })
	lines := 0
	for line := range strings.Lines(logged) {
		lines++
		assert.Less(t, len(line), 4096)
		assert.True(t, strings.HasPrefix(line, "time="), "%s", line)
	}
	assert.Greater(t, lines, 100)
}
