package emulator_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// longKey has the minimum length.
const longKey = "a key for tests that is no secre"

func TestInvalidConfig(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  emulator.Config
		want string
	}{
		"no key":     {emulator.Config{AccessKeys: []string{}}, "emulator: AccessKeys: no access key"},
		"empty key":  {emulator.Config{AccessKeys: []string{longKey, ""}}, "emulator: AccessKeys[1] is empty; leave AccessKeys nil for the well-known key"},
		"space":      {emulator.Config{AccessKeys: []string{longKey + "\n"}}, "emulator: AccessKeys[0] has leading or trailing space, which connection strings do not preserve; remove it"},
		"semicolon":  {emulator.Config{AccessKeys: []string{longKey + ";" + longKey}}, "emulator: AccessKeys[0] has a semicolon, which ends the key in a connection string; use another key"},
		"control":    {emulator.Config{AccessKeys: []string{longKey + "\x00" + longKey}}, "emulator: AccessKeys[0] has a control character or is not UTF-8; use a key of text"},
		"not UTF-8":  {emulator.Config{AccessKeys: []string{longKey + "\xff"}}, "emulator: AccessKeys[0] has a control character or is not UTF-8; use a key of text"},
		"short key":  {emulator.Config{AccessKeys: []string{longKey[:31]}}, "emulator: AccessKeys[0] has 31 bytes, want at least 32; create one with openssl rand -base64 32"},
		"hub":        {emulator.Config{Hubs: map[string]emulator.Hub{"1": {}}}, "emulator: hub \"1\": want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen, no space)"},
		"groups":     {emulator.Config{MaxGroups: -1}, "emulator: MaxGroups -1: want a positive number, or 0 for 1000"},
		"origin":     {emulator.Config{Origin: "http://localhost:8080"}, `emulator: Origin "http://localhost:8080": host is neither an IP address nor a name of letters, digits, hyphens and underscores, in parts of 1 to 63 separated by dots; want a host name alone, such as localhost`},
		"no handler": {hubConfig(emulator.InMemory(nil)), `emulator: hub "chat", event handler 0: neither Handler nor URLTemplate is set; want InMemory with a handler or AtURL with a URL`},
		"no URL":     {hubConfig(emulator.AtURL("")), `emulator: hub "chat", event handler 0: neither Handler nor URLTemplate is set; want InMemory with a handler or AtURL with a URL`},
		"handler":    {hubConfig(emulator.EventHandler{URLTemplate: "x"}), `emulator: hub "chat", event handler 0: url template "x": want an absolute http or https URL`},
	} {
		s, err := emulator.New(tc.cfg)
		require.EqualError(t, err, tc.want, name)
		assert.Nil(t, s)
	}
	_, err := emulator.New(emulator.Config{Hubs: map[string]emulator.Hub{"chat": {}, "Chat": {}}})
	require.ErrorContains(t, err, "is configured twice; hub names ignore case")
}

func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		cfg := chat(h)
		cfg.AccessKeys = []string{emulator.DefaultAccessKey}
		r := newRig(t, cfg)
		cfg.AccessKeys[0] = "changed"
		cfg.Hubs["chat"] = emulator.Hub{AllowAnonymous: true}
		r.raw(r.clientURL("ann", ""))
		ev := h.one(t, "connected")
		assert.Equal(t, webpubsub.Sign(emulator.DefaultAccessKey, ev.header.Get("ce-connectionId")), ev.header.Get("ce-signature"))
		_, resp := r.try(base+"/client/hubs/chat", nil)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	})
}

// manual is a clock that a test sets.
type manual struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*alarm]struct{}
}

type alarm struct {
	at time.Time
	f  func()
}

func (m *manual) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }

func (m *manual) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := &alarm{m.now.Add(d), f}
	m.timers[a] = struct{}{}
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		_, there := m.timers[a]
		delete(m.timers, a)
		return there
	}
}

func (m *manual) add(d time.Duration) {
	m.mu.Lock()
	m.now = m.now.Add(d)
	var due []func()
	for a := range m.timers {
		if !a.at.After(m.now) {
			due = append(due, a.f)
			delete(m.timers, a)
		}
	}
	m.mu.Unlock()
	for _, f := range due {
		f()
	}
}

func TestOwnClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &manual{now: time.Now().Add(30 * time.Minute), timers: make(map[*alarm]struct{})}
		h := &script{}
		cfg := chat(h)
		cfg.Clock = c
		r := newRig(t, cfg)
		p := r.json(r.clientURL("ann", ""), reliableJSON)
		assert.Equal(t, "2000-01-01T00:30:00Z", h.one(t, "connected").header.Get("ce-time"))
		require.NoError(t, p.conn.CloseNow())
		pass(time.Hour) // of the bubble, not of the clock
		h.settled()
		assert.Empty(t, h.told("disconnected"))
		c.add(30 * time.Second)
		h.one(t, "disconnected")
		c.add(31 * time.Minute)
		_, resp := r.try(base+"/client/hubs/chat?access_token="+sign(t, "chat", map[string]any{"exp": time.Date(2000, 1, 1, 0, 50, 0, 0, time.UTC).Unix()}), nil)
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "expired by the clock")
	})
}

// The log has what happens and the reasons of failures, but no token, key, message or
// query of a URL.
func TestLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{consent: answers(consents(401), consents(200, "*")), on: map[string]http.HandlerFunc{"e": answer(400, "text/plain", "why")}}
		cfg := chat(h)
		cfg.TrustHosts = []string{"other.test"}
		cfg.Hubs["chat"].EventHandlers[0].URLTemplate = "http://localhost/{event}?code=SECRET-code"
		var logged logBook
		cfg.Logger = logged.logger()
		r := newRig(t, cfg)
		_, resp := r.try(r.clientURL("ann", ""), nil)
		require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
		pass(time.Second)
		p := r.json(r.clientURL("ann", "webpubsub.joinLeaveGroup"), reliableJSON)
		id := p.id()
		p.send(`{"type":"event","event":"e","data":"SECRET-data","ackId":1}`)
		p.expect(ackedErr)
		p.send(`{"type":"sendToGroup","group":"g","data":"SECRET-data"}`)
		p.quiet()
		_, resp = r.try("http://other.test/client/hubs/chat?access_token="+sign(t, "chat", map[string]any{"x": "SECRET-claim"}), nil)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		_, resp = r.try(r.clientURL("", ""), nil, "mqtt")
		require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
		r.resume(p.id(), "SECRET-token").closed(websocket.StatusPolicyViolation, noRecovery)
		require.NoError(t, p.conn.CloseNow())
		synctest.Wait()
		p = r.recover(p)
		p.next()
		p.send(`{"type":"nonsense"}`)
		synctest.Wait()
		for _, want := range []string{
			`level=WARN msg="validation failed" url=http://localhost/validate?… reason="no consent: OPTIONS was answered with 401, want 2xx; something in front of the handler asks for a login or redirects: `,
			`level=WARN msg="client refused" hub=chat connection_id=`, ` status=500 reason="no consent: `,
			`level=INFO msg="validation passed"`,
			`level=INFO msg="client connected" hub=chat connection_id=` + id + ` user_id=ann subprotocol=` + reliableJSON,
			`level=INFO msg="event delivered" hub=chat connection_id=` + id + ` event=connected event_id=1 status=204 ms=0`,
			`level=WARN msg="event refused" hub=chat connection_id=` + id + ` event=e event_id=2 status=400 ms=0 answer=why`,
			`level=WARN msg="request refused" hub=chat connection_id=` + id + ` reason="Forbidden: The client does not have permission to send to group 'g'."`,
			`level=WARN msg="client refused" hub=chat status=401 reason="invalid token: audience [\"http://emu.test/client/hubs/chat\"], want \"http://other.test/client/hubs/chat\""`,
			`reason="none of [\"mqtt\"] is served, and no event handler has chosen one"`,
			`level=WARN msg="recovery refused" hub=chat`,
			`level=INFO msg="client lost" hub=chat connection_id=` + id + ` reason="The client's connection was lost." recoverable=30s`,
			`level=INFO msg="client recovered" hub=chat connection_id=` + id,
			`level=WARN msg="invalid frame" hub=chat connection_id=` + id + ` reason="type \"nonsense\" is not known"`,
			`level=INFO msg="client gone" hub=chat connection_id=` + id + ` user_id=ann reason="` + invalidJSON + `"`,
		} {
			assert.Contains(t, logged.String(), want)
		}
		assert.NotContains(t, logged.String(), "SECRET-")
		assert.NotContains(t, logged.String(), emulator.DefaultAccessKey)
		assert.NotContains(t, logged.String(), "eyJ")
	})
}

// With TCP and the emulator's own transport.
func TestStart(t *testing.T) {
	t.Parallel()
	h := &script{}
	handler := emulator.Start(t, emulator.Config{}) // any server that answers 404
	cfg := chat(h)
	cfg.Hubs["plain"] = emulator.Hub{EventHandlers: []emulator.EventHandler{{URLTemplate: handler.Endpoint + "/nowhere", SystemEvents: []string{"connect"}}}}
	emu := emulator.Start(t, cfg)
	assert.Equal(t, "Endpoint="+emu.Endpoint+";AccessKey="+emulator.DefaultAccessKey+";Version=1.0;", emu.ConnectionString)
	assert.Equal(t, emu.ConnectionString, emulator.ConnectionString(emu.Endpoint, emulator.DefaultAccessKey))
	_, resp, err := websocket.Dial(t.Context(), emu.ClientURL("plain", nil), nil)
	require.Error(t, err)
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode, "no consent")
	url := emu.ClientURL("Chat", &emulator.ClientOptions{UserID: "ann", Roles: []string{"webpubsub.sendToGroup"}, Groups: []string{"g"}, Lifetime: time.Minute})
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{plainJSON}})
	require.NoError(t, err)
	p := &peer{t: t, conn: conn}
	assert.Equal(t, "ann", p.next()["userId"])
	p.send(`{"type":"sendToGroup","group":"g","dataType":"text","data":"x"}`)
	p.expect(groupText(0, "g", "ann", "x"))
	emu.Close()
	require.NoError(t, conn.CloseNow())
}
