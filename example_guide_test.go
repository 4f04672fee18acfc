package webpubsub_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

// The functions of this file are the Go blocks of docs/state.md and docs/deduplication.md.

type Session struct {
	Name string `json:"name"`
	Cart []int  `json:"cart,omitempty"`
}

var plain webpubsub.State[Session]

func addToCart(_ context.Context, ev *webpubsub.UserEvent, item int) (webpubsub.Reply, error) {
	s, err := plain.Get(ev) // the zero Session if there is none yet
	if err != nil {
		return webpubsub.Reply{}, err
	}
	s.Cart = append(s.Cart, item)
	reply := webpubsub.TextReply(fmt.Sprintf("%d in the cart", len(s.Cart)))
	reply.State = plain.Set(s) // sent only if the event succeeds
	return reply, nil
}

func sealedSession() webpubsub.State[Session] {
	key, err := base64.StdEncoding.DecodeString(os.Getenv("STATE_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	keys, err := webpubsub.NewSealKeys(key)
	if err != nil {
		log.Fatal(err)
	}
	session := webpubsub.State[Session]{Seal: keys, Required: true}
	return session
}

func login(session webpubsub.State[Session]) webpubsub.Config {
	return webpubsub.Config{
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &webpubsub.ConnectReply{State: session.Set(Session{Name: ev.Claims.Get("name")})}, nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"whoami": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				s, err := session.Get(ev)
				if err != nil {
					return webpubsub.Reply{}, err // 400; the log has the reason
				}
				return webpubsub.TextReply(s.Name), nil
			},
		},
	}
}

func countForged(err error, forged interface{ Inc() }) {
	if errors.Is(err, webpubsub.ErrStateForged) || errors.Is(err, webpubsub.ErrStateNotSealed) || errors.Is(err, webpubsub.ErrStateMissing) {
		forged.Inc()
	}
}

func rotate(oldKey, newKey []byte) {
	first, err := webpubsub.NewSealKeys(oldKey, newKey) // on all servers: open with both
	if err != nil {
		log.Fatal(err)
	}
	then, err := webpubsub.NewSealKeys(newKey, oldKey) // on all servers: seal with the new one
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(first, then) // the ids of the keys, no key
}

func migrate(keys *webpubsub.SealKeys) webpubsub.State[Session] {
	session := webpubsub.State[Session]{Seal: keys, InsecureReadUnsealed: true}
	return session
}

func pay(connectionString string, charge webpubsub.UserEventFunc) *webpubsub.Handler {
	store, err := webpubsub.NewMemoryStore(nil)
	if err != nil {
		log.Fatal(err)
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "shop",
		ConnectionStrings: []string{connectionString},
		Deduplication:     webpubsub.Deduplication{Store: store},
		UserEvents:        map[string]webpubsub.UserEventFunc{"pay": charge},
	})
	if err != nil {
		log.Fatal(err)
	}
	return h
}

func observeRepeats(repeats, failures func(kind webpubsub.EventKind)) webpubsub.Config {
	return webpubsub.Config{
		Observe: func(_ context.Context, o webpubsub.Outcome) {
			if o.Kind == webpubsub.OutcomeRepeated {
				repeats(o.EventKind)
			}
			if o.StoreErr != nil {
				failures(o.EventKind)
			}
		},
	}
}

func onlyUserEvents(store webpubsub.DeduplicationStore) webpubsub.Config {
	return webpubsub.Config{
		Deduplication: webpubsub.Deduplication{
			Store:             store,
			Kinds:             []webpubsub.EventKind{webpubsub.EventKindUser},
			ServeIfStoreFails: []webpubsub.EventKind{}, // 503 instead
		},
	}
}

// How is a key replaced while connections have states that it sealed?
func ExampleSealKeys() {
	rotate([]byte("an example: use 32 random bytes!"), []byte("another one, which replaces that"))
	// Output: webpubsub.SealKeys(b080cd34, e8abbbc3) webpubsub.SealKeys(e8abbbc3, b080cd34)
}

// How is a state kept from being forged? A seal binds it to its connection. A state
// that was forged, or moved from another connection, is an error.
func ExampleState_sealed() {
	keys, err := webpubsub.NewSealKeys([]byte("an example: use 32 random bytes!"))
	if err != nil {
		fmt.Println(err)
		return
	}
	session := webpubsub.State[Session]{Seal: keys}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			return &webpubsub.ConnectReply{State: session.Set(Session{Name: "ann"})}, nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				s, err := session.Get(ev)
				fmt.Printf("%q, forged: %t\n", s.Name, errors.Is(err, webpubsub.ErrStateForged))
				return webpubsub.TextReply("hello " + s.Name), err
			},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed := exampleState(h, exampleRequest("sys.connect", "application/json", "{}"))

	own := exampleRequest("user.message", "text/plain", "hello")
	own.Header.Set("ce-connectionState", sealed) // as the service does
	exampleServe(h, own)

	moved := exampleRequest("user.message", "text/plain", "hello")
	moved.Header.Set("ce-connectionState", sealed)
	moved.Header.Set("ce-connectionId", "c-2")
	moved.Header.Set("ce-signature", webpubsub.Sign(exampleKey, "c-2"))
	exampleServe(h, moved)
	// Output:
	// "ann", forged: false
	// 200 hello ann
	// "", forged: true
	// 400 connection state cannot be decoded
}

// How is each event handled once, although the service may deliver it several times? A
// store remembers the answers.
func ExampleDeduplication() {
	store, err := webpubsub.NewMemoryStore(nil) // for one process; replicas must share a store
	if err != nil {
		fmt.Println(err)
		return
	}
	payments := 0
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		Deduplication:     webpubsub.Deduplication{Store: store},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"pay": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				payments++
				return webpubsub.TextReply(fmt.Sprintf("receipt %d", payments)), nil
			},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 { // deliveries of one event
		exampleServe(h, exampleRequest("user.pay", "text/plain", "12 €"))
	}
	fmt.Println("payments:", payments)
	// Output:
	// 200 receipt 1
	// 200 receipt 1
	// 200 receipt 1
	// payments: 1
}

// exampleState returns the connection state in the answer to a request.
func exampleState(h http.Handler, r *http.Request) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Header().Get("ce-connectionState")
}

// TestGuides: the Go blocks of the guides are code of these files.
func TestGuides(t *testing.T) {
	t.Parallel()
	code := ""
	for _, file := range []string{"example_guide_test.go", "example_events_test.go", "deduptest/deduptest_test.go"} {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		code += string(data)
	}
	code += strings.ReplaceAll(code, "\n\t", "\n") + strings.ReplaceAll(code, "\n\t\t", "\n") // the bodies of functions
	for _, guide := range []string{"docs/state.md", "docs/deduplication.md", "docs/events.md", "docs/testing.md"} {
		text, err := os.ReadFile(guide)
		require.NoError(t, err)
		blocks := regexp.MustCompile("(?s)\n```go\n(.*?)\n```\n").FindAllStringSubmatch(string(text), -1)
		require.NotEmpty(t, blocks, guide)
		for _, block := range blocks {
			assert.Contains(t, code, "\n"+block[1]+"\n", guide)
		}
	}
}

// TestGuideCode runs the code of the guides.
func TestGuideCode(t *testing.T) {
	t.Setenv("STATE_KEY", base64.StdEncoding.EncodeToString(sealKeyOf(0)))
	session := sealedSession()
	assert.True(t, session.Required)
	cfg := login(session)
	cfg.UserEvents["message"] = cfg.UserEvents["whoami"]
	h := wireHandler(t, cfg)
	state := answerOf(h, wireRequest(t, "connect")).header.Get("ce-connectionState")
	assert.Equal(t, http.StatusOK, answerOf(h, wireRequest(t, "user_text", wireHeader("ce-connectionState", state))).status)
	assert.Equal(t, http.StatusBadRequest, answerOf(h, wireRequest(t, "user_text", wireHeader("ce-connectionState"))).status)

	_, err := migrate(sealKeys(t, 0)).Get(here(b64(`{"name":"ann"}`)))
	require.NoError(t, err)

	reply, err := addToCart(t.Context(), here(b64(`{"cart":[1,2]}`)), 3)
	require.NoError(t, err)
	assert.Equal(t, b64(`{"name":"","cart":[1,2,3]}`), stateHeader(t, reply.State))

	var count counted
	countForged(webpubsub.ErrStateForged, &count)
	countForged(errors.New("other"), &count)
	assert.Equal(t, counted(1), count)

	require.NotNil(t, pay(wireConnectionString, replyText("paid")))
	var repeats, failures []webpubsub.EventKind
	store := newSpyStore(t)
	cfg = observeRepeats(func(k webpubsub.EventKind) { repeats = append(repeats, k) }, func(k webpubsub.EventKind) { failures = append(failures, k) })
	cfg.Deduplication = onlyUserEvents(store).Deduplication
	cfg.Fallback = replyText("paid")
	h = wireHandler(t, cfg)
	answerOf(h, wireRequest(t, "user_text"))
	answerOf(h, wireRequest(t, "user_text"))
	store.before = func(context.Context, storeCall) error { return errStore }
	assert.Equal(t, http.StatusServiceUnavailable, answerOf(h, wireRequest(t, "user_text")).status)
	assert.Equal(t, []webpubsub.EventKind{"user"}, repeats)
	assert.Equal(t, []webpubsub.EventKind{"user"}, failures)
}

type counted int

func (c *counted) Inc() { *c++ }
