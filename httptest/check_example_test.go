package httptest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// One test checks a handler and its middleware against the rules of the protocol.
// Here the middleware asks for a login, but the service sends validation requests
// without credentials.
func ExampleCheckHandler() {
	h, err := newChat()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(httptest.CheckHandler(context.Background(), h, nil))

	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodOptions && r.Header.Get("Authorization") == "" {
			http.Error(w, "login first", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
	err = httptest.CheckHandler(context.Background(), login, nil)
	var broken *httptest.CheckError
	if errors.As(err, &broken) {
		fmt.Println(broken.ID)
		fmt.Println(broken.Reason)
		fmt.Println(broken.Problems[0])
		fmt.Println(broken.Cause)
	}
	// Output:
	// <nil>
	// options-consent
	// the service does not sign validation requests, and sends no events to a handler that has not consented
	// OPTIONS: answered with 401 "login first" and WebHook-Allowed-Origin ""
	// something in front of the handler asks for a login
}

// A request that the service would not send: it has the signature of another
// connection.
func ExampleService_NewRequest() {
	h, err := newChat()
	if err != nil {
		fmt.Println(err)
		return
	}
	svc := httptest.New(h, nil)
	req, err := svc.NewRequest(context.Background(), httptest.Event{
		Name:         "message",
		ConnectionID: "mine",
		ContentType:  "text/plain",
		Data:         []byte("hello"),
		Signature:    httptest.Signature{ConnectionID: "yours"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := svc.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Status, answer.BodyRead)
	// Output: 401 0
}

// The service delivers an event again if it did not receive the answer. A handler
// can recognize it by its id.
func ExampleConn_Redeliver() {
	seen := make(map[string]bool)
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			key := ev.ConnectionID + "/" + ev.ID
			if seen[key] {
				return webpubsub.TextReply("done before"), nil
			}
			seen[key] = true
			return webpubsub.TextReply("paid"), nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	conn, err := httptest.New(h, nil).Connect(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, deliver := range []func() (*httptest.Message, error){
		func() (*httptest.Message, error) { return conn.SendText(ctx, "pay", "5 EUR") },
		func() (*httptest.Message, error) { return conn.Redeliver(ctx) },
	} {
		answer, err := deliver()
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(answer.Text())
	}
	// Output:
	// paid
	// done before
}
