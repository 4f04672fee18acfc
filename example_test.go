package webpubsub_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/go-webpubsub/webpubsub"
)

const (
	exampleKey              = "not a real key, only one for examples"
	exampleConnectionString = "Endpoint=https://contoso.webpubsub.azure.com;AccessKey=" + exampleKey + ";Version=1.0;"
)

// exampleRequest returns an event's request as the service sends it.
func exampleRequest(eventType, contentType, body string) *http.Request {
	const connectionID = "c-1"
	r := httptest.NewRequest(http.MethodPost, "/eventhandler", strings.NewReader(body))
	for name, value := range map[string]string{
		"WebHook-Request-Origin": "contoso.webpubsub.azure.com",
		"Content-Type":           contentType,
		"ce-awpsversion":         "1.0",
		"ce-specversion":         "1.0",
		"ce-type":                "azure.webpubsub." + eventType,
		"ce-source":              "/hubs/chat/client/" + connectionID,
		"ce-id":                  "1",
		"ce-hub":                 "chat",
		"ce-connectionId":        connectionID,
		"ce-userId":              "vic",
		"ce-signature":           webpubsub.Sign(exampleKey, connectionID),
	} {
		r.Header.Set(name, value)
	}
	return r
}

// exampleServe prints the answer to a request.
func exampleServe(h http.Handler, r *http.Request) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	fmt.Println(strings.TrimSpace(fmt.Sprintf("%d %s", w.Code, body)))
}

// How is a handler mounted? At any path, for all methods: the service sends a validation
// request with OPTIONS before it sends events with POST.
func ExampleNewHandler() {
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, ev *webpubsub.UserEvent, in string) (string, error) {
				return ev.UserID + " said " + in, nil
			}),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/eventhandler", h)

	validation := httptest.NewRequest(http.MethodOptions, "/eventhandler", nil)
	validation.Header.Set("ce-awpsversion", "1.0")
	validation.Header.Set("WebHook-Request-Origin", "contoso.webpubsub.azure.com")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, validation)
	fmt.Println(w.Code, w.Header().Get("WebHook-Allowed-Origin"))

	exampleServe(mux, exampleRequest("user.message", "text/plain", "hello"))
	// Output:
	// 200 contoso.webpubsub.azure.com
	// 200 vic said hello
}

// How is a client authorized when it connects? OnConnect checks its token and its URL;
// the reply sets its user, groups and roles.
func ExampleConnectReply() {
	tickets := map[string]string{"t-1": "ada"}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		Logger:            slog.New(slog.DiscardHandler), // instead of slog.Default
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			user, ok := tickets[ev.Query.Get("ticket")]
			if !ok {
				return nil, webpubsub.Unauthorized("unknown ticket")
			}
			return &webpubsub.ConnectReply{
				UserID: user,
				Groups: []string{"lobby"},
				Roles:  []string{"webpubsub.sendToGroup.lobby"},
			}, nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	exampleServe(h, exampleRequest("sys.connect", "application/json", `{"query":{"ticket":["t-1"]}}`))
	exampleServe(h, exampleRequest("sys.connect", "application/json", `{"query":{}}`))
	// Output:
	// 200 {"userId":"ada","groups":["lobby"],"roles":["webpubsub.sendToGroup.lobby"]}
	// 401 unknown ticket
}

// How are events decoded and validated? JSON decodes the type of the function's
// argument; the function runs only for valid payloads.
func ExampleJSON() {
	type said struct {
		Room string `json:"room" validate:"required,max=64"`
		Text string `json:"text" validate:"required,max=4000"`
	}
	type receipt struct {
		Seen int `json:"seen"`
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": webpubsub.JSON(func(_ context.Context, _ *webpubsub.UserEvent, in said) (receipt, error) {
				return receipt{Seen: len(in.Text)}, nil
			}),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	exampleServe(h, exampleRequest("user.say", "application/json", `{"room":"lobby","text":"hello"}`))
	exampleServe(h, exampleRequest("user.say", "application/json", `{"room":"lobby"}`))
	exampleServe(h, exampleRequest("user.say", "application/json", `{"room"`))
	// Output:
	// 200 {"seen":5}
	// 400 payload is not valid: text: required
	// 400 JSON payload cannot be decoded
}

// How does a connection keep data without storage in the server? The service keeps its
// state and sends it with every event.
func ExampleState() {
	type session struct {
		Count int `json:"count"`
	}
	var state webpubsub.State[session]
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				s, err := state.Get(ev)
				if err != nil {
					return webpubsub.Reply{}, err
				}
				s.Count++
				reply := webpubsub.TextReply(fmt.Sprintf("message number %d", s.Count))
				reply.State = state.Set(s)
				return reply, nil
			},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	kept := ""
	for range 2 {
		r := exampleRequest("user.message", "text/plain", "hello")
		r.Header.Set("ce-connectionState", kept) // as the service does
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		kept = w.Header().Get("ce-connectionState")
		fmt.Println(w.Body)
	}
	// Output:
	// message number 1
	// message number 2
}

// How are all events limited or traced? An interceptor runs around every function.
func ExampleInterceptor() {
	errClosed := errors.New("room is closed")
	outcomes := func(ctx context.Context, ev webpubsub.Event, next func(context.Context) error) error {
		err := next(ctx)
		fmt.Println(ev.EventMeta().EventName, webpubsub.StatusOf(err))
		return err
	}
	translate := func(ctx context.Context, _ webpubsub.Event, next func(context.Context) error) error {
		err := next(ctx)
		if errors.Is(err, errClosed) {
			return &webpubsub.Error{Status: http.StatusConflict, Message: "room is closed", Err: err}
		}
		return err
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		Interceptors:      []webpubsub.Interceptor{outcomes, translate}, // the first is the outermost
		Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
			return webpubsub.Reply{}, fmt.Errorf("say in %q: %w", "lobby", errClosed)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	exampleServe(h, exampleRequest("sys.connected", "application/json", "{}"))
	exampleServe(h, exampleRequest("user.say", "text/plain", "hello"))
	// Output:
	// connected 200
	// 204
	// say 409
	// 409 room is closed
}

// How are requests counted? Config.Observe is called with the outcome of each request,
// including those that reach no function.
func ExampleOutcome() {
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		UserEvents: map[string]webpubsub.UserEventFunc{
			"say": func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.Reply{}, webpubsub.Conflict("room is closed")
			},
		},
		Observe: func(_ context.Context, o webpubsub.Outcome) {
			fmt.Printf("hub=%s event=%s function=%s outcome=%s reason=%s status=%d\n", o.Hub, o.EventKind, o.Function, o.Kind, o.Reason, o.Status)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	serve := func(r *http.Request) { h.ServeHTTP(httptest.NewRecorder(), r) }
	serve(exampleRequest("user.SAY", "text/plain", "hello"))
	serve(exampleRequest("user.shout", "text/plain", "hello"))
	unsigned := exampleRequest("sys.connected", "application/json", "{}")
	unsigned.Header.Del("ce-signature")
	serve(unsigned)
	// Output:
	// hub=chat event=user function=say outcome=refused reason=function status=409
	// hub=chat event=user function= outcome=ignored reason= status=204
	// hub=chat event=connected function= outcome=refused reason=unverified status=401
}

// How is a signature verified without a handler, in a proxy or queue consumer?
func ExampleVerifySignature() {
	signature := webpubsub.Sign(exampleKey, "c-1") // the value of ce-signature

	fmt.Println(webpubsub.VerifySignature(signature, "c-1", "an old key", exampleKey))

	err := webpubsub.VerifySignature(signature, "another connection", exampleKey)
	fmt.Println(errors.Is(err, webpubsub.ErrSignature))
	// Output:
	// <nil>
	// true
}

// How do several hubs share one URL?
func ExampleHubMux() {
	hub := func(name string) *webpubsub.Handler {
		h, err := webpubsub.NewHandler(webpubsub.Config{
			Hub:               name,
			ConnectionStrings: []string{exampleConnectionString},
			Logger:            slog.New(slog.DiscardHandler),
			Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
				return webpubsub.TextReply("this is " + name), nil
			},
		})
		if err != nil {
			panic(err)
		}
		return h
	}
	mux, err := webpubsub.NewHubMux(map[string]*webpubsub.Handler{"chat": hub("chat"), "games": hub("games")})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"chat", "Games", "other"} {
		r := exampleRequest("user.message", "text/plain", "hello")
		r.Header.Set("ce-hub", name)
		exampleServe(mux, r)
	}
	// Output:
	// 200 this is chat
	// 200 this is games
	// 404 events of hub "other" are not handled here; compare it with Config.Hub
}
