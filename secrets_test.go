package webpubsub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

const s3cret = "s3cr3t-0f-a-user"

// secretReplies returns replies with s3cret in every place for user data.
func secretReplies() map[string]any {
	values := make(map[string]any)
	for name, reply := range map[string]webpubsub.Reply{
		"text": webpubsub.TextReply(s3cret), "json": webpubsub.JSONReply(s3cret), "binary": webpubsub.BinaryReply([]byte(s3cret)), "protobuf": webpubsub.ProtobufReply(s3cret, []byte(s3cret)),
		"data": webpubsub.DataReply("application/"+s3cret, []byte(s3cret)), "none": {},
	} {
		reply.State = webpubsub.RawState(s3cret)
		reply.Metadata = map[string]string{s3cret: s3cret}
		reply.MQTTUserProperties = []mqtt.UserProperty{{Name: s3cret, Value: s3cret}}
		values["Reply "+name], values["*Reply "+name] = reply, &reply
	}
	var session webpubsub.State[map[string]string]
	connect := webpubsub.ConnectReply{
		UserID: s3cret, Groups: []string{s3cret}, Roles: []string{s3cret}, RawRoles: []string{s3cret},
		MQTTUserProperties: []mqtt.UserProperty{{Name: s3cret, Value: s3cret}}, State: session.Set(map[string]string{s3cret: s3cret}),
	}
	values["ConnectReply"], values["*ConnectReply"] = connect, &connect
	values["StateUpdate"], values["State[T]"] = webpubsub.RawState(s3cret), session
	return values
}

// secretStores returns deduplication stores that hold s3cret, and seal keys of it.
func secretStores(tb testing.TB) map[string]any {
	tb.Helper()
	store := memoryStore(tb, nil)
	_, _, err := store.Begin(tb.Context(), "key", "claim", time.Hour)
	require.NoError(tb, err)
	require.NoError(tb, store.Finish(tb.Context(), "key", "claim", []byte(s3cret), time.Hour))
	require.Equal(tb, "webpubsub.MemoryStore(1 of 100000 events)", store.String())
	keys, err := webpubsub.NewSealKeys([]byte(s3cret + ", and more of it"))
	require.NoError(tb, err)
	dedup := webpubsub.Deduplication{Store: store}
	return map[string]any{
		"MemoryStore": store, "memory store hidden": struct{ s *webpubsub.MemoryStore }{store},
		"Deduplication": dedup, "*Deduplication": &dedup, "DeduplicationStore": webpubsub.DeduplicationStore(store),
		"SealKeys": keys, "SealKeys copy": *keys,
	}
}

// printed returns the output of fmt for a value.
func printed(v any) string {
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t"} {
		_, _ = fmt.Fprintf(&out, verb+"\n", v)
	}
	return out.String()
}

// logLine returns the output of slog for a value.
func logLine(v any) string {
	var out bytes.Buffer
	for _, lh := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(lh).Info("x", "v", v, slog.Group("g", "v", v))
	}
	return out.String()
}

// No value prints a key or user data, except ids and names that identify an event.
// Package fmt does not call the methods of a value in an unexported field.
func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	keys, err := webpubsub.NewAccessKeys(wireConnectionString, wireSecondaryConnectionString)
	require.NoError(t, err)
	assert.Equal(t, "AccessKeys("+wireOrigin+")", keys.String(), "two keys of one endpoint")
	cfg := webpubsub.Config{Hub: wireHub, ConnectionStrings: []string{wireConnectionString}, Verifier: keys}
	misplaced := webpubsub.Config{Hub: wireConnectionString}
	h, err := webpubsub.NewHandler(cfg)
	require.NoError(t, err)
	mux, err := webpubsub.NewHubMux(map[string]*webpubsub.Handler{wireHub: h})
	require.NoError(t, err)
	origins, err := webpubsub.NewAbuseProtection(wireOrigin)
	require.NoError(t, err)
	withKeys := webpubsub.Config{Hub: wireHub, Verifier: keys} // the way to keep a Config in an unexported field
	values := map[string]any{
		"Config": cfg, "pointer to config": &cfg, "configs": []webpubsub.Config{cfg}, "config inside": struct{ C webpubsub.Config }{cfg},
		"config with AccessKeys hidden": struct{ c webpubsub.Config }{withKeys},
		"connection string as a hub":    misplaced,
		"AccessKeys":                    keys, "access keys inside": struct{ K *webpubsub.AccessKeys }{keys}, "access keys hidden": struct{ k *webpubsub.AccessKeys }{keys},
		"verifier hidden": struct{ v webpubsub.Verifier }{keys}, "empty access keys": new(webpubsub.AccessKeys),
		"Handler": h, "handler's fields": *h, "handler hidden": struct {
			p *webpubsub.Handler
			v webpubsub.Handler
		}{h, *h},
		"HubMux": mux, "mux's fields": *mux, "mux hidden": struct {
			p *webpubsub.HubMux
			v webpubsub.HubMux
		}{mux, *mux},
		"AbuseProtection": origins, "InsecureSkipVerify": webpubsub.InsecureSkipVerify{},
		"AnyVerifier": webpubsub.AnyVerifier{keys}, "any verifier hidden": struct{ v webpubsub.AnyVerifier }{webpubsub.AnyVerifier{keys}},
		"Interceptor": webpubsub.Interceptor(nil), "UserEventFunc": webpubsub.UserEventFunc(nil),
		"Error": webpubsub.Forbidden("no"), "DecodeError": &webpubsub.DecodeError{}, "ValidationError": &webpubsub.ValidationError{}, "PanicError": &webpubsub.PanicError{},
		"mqtt.Connect": mqtt.Connect{Password: mqtt.Password(s3cret)}, "mqtt.Password": mqtt.Password(s3cret),
	}
	for _, more := range []map[string]any{secretReplies(), secretEvents(), secretStores(t)} {
		for name, v := range more {
			values[name] = v
			assertNoSecret(t, printed(struct{ V any }{v}), name+" inside", "s3cr3t")
		}
	}
	for name, ev := range secretEvents() {
		if ev, ok := ev.(webpubsub.Event); ok {
			outcome := webpubsub.Outcome{Event: ev}
			values["Outcome of "+name], values["*Outcome of "+name] = outcome, &outcome
			encoded, err := json.Marshal(outcome)
			require.NoError(t, err)
			assertNoSecret(t, string(encoded), "JSON of an Outcome of "+name, "s3cr3t")
		}
	}
	for name, v := range values {
		assertNoSecret(t, printed(v)+logLine(v), name, wireKey, wireSecondaryKey, "s3cr3t")
	}
	assert.Contains(t, cfg.String(), wireHub)
	assert.Contains(t, keys.String(), wireOrigin)
	assert.Equal(t, keys.String(), fmt.Sprint(keys))
	assert.Equal(t, keys.String(), keys.GoString())
	assert.Equal(t, cfg.String(), cfg.GoString())
	assert.Equal(t, "webpubsub.Reply(text)", fmt.Sprintf("%+v", webpubsub.TextReply(s3cret)))
	assert.Equal(t, "webpubsub.ConnectReply(2 groups, 0 roles)", fmt.Sprintf("%#v", &webpubsub.ConnectReply{Groups: []string{"a", "b"}}))

	// The purpose of these types is to show their data.
	plain := []string{
		"Claims", "ClientCertificate", "DataType", "Event", "EventHeader", "EventKind", "FieldError", "Headers", "MQTTSession",
		"ClaimState", "MemoryStoreOptions", "OutcomeKind", "RefusalReason", "StateCodec", "Verifier",
	}
	api, err := os.ReadFile("internal/archtest/testdata/api/webpubsub.txt")
	require.NoError(t, err)
	for _, match := range regexp.MustCompile(`(?m)^type (\w+)`).FindAllSubmatch(api, -1) {
		name := string(match[1])
		searched := slices.Contains(plain, name)
		for other := range values {
			searched = searched || strings.HasPrefix(other, name)
		}
		assert.True(t, searched, "no value of the exported type %s was searched", name)
	}
}

// The log record of an invalid reply names the rule and does not quote the reply.
func TestMistakesInRepliesShowNoSecret(t *testing.T) {
	t.Parallel()
	replies := map[string]webpubsub.Reply{
		"text":           webpubsub.TextReply(s3cret + "\xff"),
		"value":          webpubsub.JSONReply(map[string]any{s3cret: make(chan int)}),
		"state":          {State: webpubsub.RawState(s3cret + "\n")},
		"long state":     {State: webpubsub.RawState(strings.Repeat(s3cret, 1000))},
		"metadata":       {Metadata: map[string]string{"name": s3cret + "\n"}},
		"long metadata":  {Metadata: map[string]string{"name": strings.Repeat(s3cret, 1000)}},
		"user property":  {MQTTUserProperties: []mqtt.UserProperty{{Name: "name", Value: s3cret + "\n"}}},
		"state no value": {State: webpubsub.State[any]{}.Set(s3cret)},
	}
	for name, reply := range replies {
		log, logger := debugLog()
		h := wireHandler(t, webpubsub.Config{Logger: logger, Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) { return reply, nil }})
		fixture := "user_text"
		if reply.MQTTUserProperties != nil {
			fixture = "mqtt_publish"
		}
		resp := wireServe(h, wireRequest(t, fixture))
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode, name)
		assert.NotEmpty(t, log.String(), name)
		assertNoSecret(t, log.String()+fmt.Sprint(resp.Header)+wireText(t, resp), name, s3cret)
	}
	for name, reply := range map[string]webpubsub.ConnectReply{
		"user":  {UserID: s3cret + "\n"},
		"state": {State: webpubsub.RawState(s3cret + "\n")},
	} {
		log, logger := debugLog()
		cfg := onConnect(&reply, nil)
		cfg.Logger = logger
		resp := serveFixture(t, cfg, "connect")
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode, name)
		assertNoSecret(t, log.String()+fmt.Sprint(resp.Header)+wireText(t, resp), name, s3cret)
	}
}

// assertNoSecret searches for secrets as text and as bytes that fmt prints.
func assertNoSecret(t *testing.T, text, what string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		assert.NotContains(t, text, s, what)
		assert.NotContains(t, strings.ToLower(text), strings.ToLower(s), what)
		assert.NotContains(t, text, fmt.Sprint([]byte(s))[1:], "%s as bytes", what)
		assert.NotContains(t, strings.ToLower(text), fmt.Sprintf("%x", s), "%s as hexadecimal", what)
	}
}

// shownHeaders are the headers that a log record or an answer may quote, cut: those that
// identify the event, and those with a fault.
var shownHeaders = []string{
	"Ce-Awpsversion", "Ce-Hub", "Ce-Connectionid", "Ce-Eventname", "Ce-Id", "Ce-Type", "Ce-Specversion", "Ce-Time", "Content-Type", "Webhook-Request-Origin",
}

// Requests have secrets in all places where clients and the service put them, and
// faults. No log record or answer has a secret.
func TestNoSecretInLogsAndAnswers(t *testing.T) {
	t.Parallel()
	const number, text = "918273645546372819", "s3cr3t-t3xt"
	hidden := []string{wireKey, wireSecondaryKey, number, text, webpubsub.Sign(wireKey, wireConnectionID)[7:]}
	spiked := func(r *http.Request) {
		for name := range r.Header {
			if !slices.Contains(shownHeaders, name) && name != "Ce-Signature" {
				r.Header[name] = []string{text}
			}
		}
		for _, name := range []string{
			"Authorization", "Cookie", "Ce-Connectionstate", "X-Webpubsub-Metadata-Token", "Mqtt-Token", "Ce-Userid", "Webhook-Request-Callback",
			"Ce-Subprotocol", "Ce-Sessionid", "Traceparent", "X-Forwarded-For", "X-Ms-Client-Request-Id",
		} {
			r.Header[name] = []string{text}
		}
		r.URL.RawQuery = "code=" + text
	}
	claims := `"claims":{"sub":["` + text + `"]},"query":{"access_token":["` + text + `"]},"headers":{"Authorization":["` + text + `"]}`
	bodies := map[string]string{
		"text":                         text,
		"cut short":                    `{` + claims,
		"claim a number":               `{"claims":{"pin":` + number + `}}`,
		"claims a text":                `{` + claims + `,"claims":"` + text + `"}`,
		"member with secret":           `{"` + text + `":` + number + `,"claims":{"` + text + `":{}}}`,
		"password":                     `{` + claims + `,"mqtt":{"protocolVersion":5,"password":"` + text + `"}}`,
		"version a secret":             `{` + claims + `,"mqtt":{"protocolVersion":` + number + number + `}}`,
		"user property":                `{` + claims + `,"mqtt":{"userProperties":` + number + `}}`,
		"good connect":                 `{` + claims + `}`,
		"pin too large":                `{"pin":` + number + `}`,
		"pin a text":                   `{"pin":"` + text + `"}`,
		"day":                          `{"day":"` + text + `"}`,
		"count":                        `{"count":{"` + text + `":1}}`,
		"invalid":                      `{"name":"` + text + `","pin":1}`,
		"invalid inside":               `{"name":"x","items":{"` + text + `":{}}}`,
		"invalid inside with brackets": `{"name":"x","items":{"a[0].` + text + `].b[1":{}}}`,
		"reason a number":              `{"reason":` + number + `}`,
		"group a number":               `{"group":` + number + `}`,
		"list":                         `[` + number + `,"` + text + `"]`,
	}
	for _, fixture := range wireNames(t) {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			for name, body := range bodies {
				for _, fault := range []func(*http.Request){
					spiked, both(spiked, signed(webpubsub.Sign(wireKey, "other"))), both(spiked, signed(text, "sha256="+text)),
					both(spiked, setType("azure.webpubsub.sys.x")), both(spiked, wireHeader("ce-connectionId")),
				} {
					log, logger := debugLog()
					h := wireHandler(t, secretive(logger))
					resp := wireServe(h, wireRequest(t, fixture, wireBody(body), fault))
					out := log.String() + fmt.Sprint(resp.Header)
					if resp.StatusCode >= 500 || resp.StatusCode == http.StatusUnauthorized {
						out += wireText(t, resp)
					}
					for _, s := range hidden {
						assert.NotContains(t, out, s, "body %s, status %d", name, resp.StatusCode)
					}
				}
			}
		})
	}
}

// secretive returns a config whose functions decode payloads and fail, like those of
// users.
func secretive(logger *slog.Logger) webpubsub.Config {
	type item struct {
		ID int `json:"id" validate:"min=1"`
	}
	type payload struct {
		Name  string          `json:"name" validate:"max=3"`
		Pin   int8            `json:"pin"`
		Count map[int]int     `json:"count"`
		Day   quotingDay      `json:"day"`
		Items map[string]item `json:"items" validate:"dive"`
	}
	var state webpubsub.State[payload]
	return webpubsub.Config{
		Logger:       logger,
		RefusalReply: webpubsub.JSONRefusal,
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return nil, fmt.Errorf("connect: %v", ev)
		},
		OnConnected: func(_ context.Context, ev *webpubsub.ConnectedEvent) error {
			_, err := state.Get(ev)
			return err
		},
		OnDisconnected: func(_ context.Context, ev *webpubsub.DisconnectedEvent) error { return fmt.Errorf("%+v", ev) },
		OnGroupJoined:  func(_ context.Context, ev *webpubsub.GroupJoinedEvent) error { return fmt.Errorf("%#v", ev) },
		Fallback: webpubsub.JSON(func(_ context.Context, ev *webpubsub.UserEvent, _ payload) (webpubsub.Reply, error) {
			return webpubsub.Reply{}, fmt.Errorf("event %v", ev)
		}),
	}
}

// quotingDay quotes a value that it cannot decode, like time.Time.
type quotingDay struct{}

func (*quotingDay) UnmarshalJSON(data []byte) error { return fmt.Errorf("no day: %s", data) }
