package httptest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// newChat returns the handler under test in the examples. It accepts one ticket, and
// numbers the messages of each client.
func newChat() (*webpubsub.Handler, error) {
	var said webpubsub.State[struct{ Count int }]
	return webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		Logger:            quiet(),
		ConnectionStrings: []string{httptest.ConnectionString},
		OnConnect: func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			if ev.Query.Get("ticket") != "blue" {
				return nil, webpubsub.Unauthorized("unknown ticket")
			}
			return &webpubsub.ConnectReply{UserID: "ann", Groups: []string{"lobby"}}, nil
		},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"message": webpubsub.Text(func(_ context.Context, ev *webpubsub.UserEvent, in string) (webpubsub.Reply, error) {
				state, err := said.Get(ev)
				if err != nil {
					return webpubsub.Reply{}, err
				}
				state.Count++
				reply := webpubsub.TextReply(fmt.Sprintf("%d: %s said %q", state.Count, ev.UserID, in))
				reply.State = said.Set(state)
				return reply, nil
			}),
		},
	})
}

// A test of a handler from the client's handshake to its disconnection.
func Example() {
	ctx := context.Background()
	h, err := newChat()
	if err != nil {
		fmt.Println(err)
		return
	}
	svc := httptest.New(h, nil)

	_, err = svc.Connect(ctx, nil)
	var rejected *httptest.RejectedError
	if errors.As(err, &rejected) {
		fmt.Printf("%d %s\n", rejected.Status, rejected.Body)
	}

	conn, err := svc.Connect(ctx, &httptest.Client{Query: map[string][]string{"ticket": {"blue"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(conn.UserID, conn.Groups)
	for _, text := range []string{"hello", "bye"} {
		answer, err := conn.SendText(ctx, "message", text)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(answer.Text())
	}
	fmt.Println(conn.Disconnect(ctx, "tab closed"))
	// Output:
	// 401 unknown ticket
	// ann [lobby]
	// 1: ann said "hello"
	// 2: ann said "bye"
	// <nil>
}

func TestChat(t *testing.T) {
	t.Parallel()
	h, err := newChat()
	require.NoError(t, err)
	svc := httptest.New(h, nil)
	require.NoError(t, svc.Validate(t.Context()))

	_, err = svc.Connect(t.Context(), nil)
	var rejected *httptest.RejectedError
	require.ErrorAs(t, err, &rejected)
	require.Equal(t, 401, rejected.Status)
	require.Equal(t, 401, httptest.StatusOf(err))
}
