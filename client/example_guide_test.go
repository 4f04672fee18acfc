package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
)

// The functions of this file are the Go blocks of docs/client.md.

type Notice struct {
	Text string `json:"text"`
}

func greet(ctx context.Context, credential client.Credential) error {
	c, err := client.New(credential, nil)
	if err != nil {
		return err
	}
	received := make(chan struct{})
	client.OnGroupJSON(c, "lobby", func(_ context.Context, m *client.GroupMessage, n Notice) {
		fmt.Println(m.FromUserID, "says", n.Text)
		close(received)
	})
	if err := c.Start(ctx); err != nil {
		return err
	}
	if _, err := c.JoinGroup(ctx, "lobby", nil); err != nil {
		return err
	}
	if _, err := c.SendToGroup(ctx, "lobby", client.JSON(Notice{"doors open"}), nil); err != nil {
		return err
	}
	<-received
	return c.Stop(ctx)
}

// negotiate responds with a client URL for the user who is logged in.
func negotiate(hub *service.Client, user func(*http.Request) string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		access, err := hub.ClientAccess(r.Context(), &service.ClientAccessOptions{
			UserID:   user(r),
			Roles:    []string{service.RoleJoinLeaveGroup("lobby"), service.RoleSendToGroup("lobby")},
			Lifetime: 5 * time.Minute,
		})
		if err != nil {
			http.Error(w, "service unavailable", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, access.URL())
	}
}

// negotiated returns a credential that gets client URLs from the application's server.
func negotiated(server string) client.Credential {
	return func(ctx context.Context) (string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/negotiate", nil)
		if err != nil {
			return "", err
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		switch res.StatusCode {
		case http.StatusOK:
		case http.StatusUnauthorized, http.StatusForbidden: // asking again does not help
			return "", client.Permanent(fmt.Errorf("negotiate: %s", res.Status))
		default:
			return "", fmt.Errorf("negotiate: %s", res.Status)
		}
		url, err := io.ReadAll(io.LimitReader(res.Body, 16<<10))
		return string(url), err
	}
}

func Example_credential() {
	emu, err := emulator.New(emulator.Config{})
	must(err)
	defer emu.Close()
	srv := httptest.NewServer(emu)
	defer srv.Close()
	hub, err := service.NewClientFromConnectionString(emulator.ConnectionString(srv.URL, emulator.DefaultAccessKey), "chat", nil)
	must(err)
	app := httptest.NewServer(negotiate(hub, func(*http.Request) string { return "ann" }))
	defer app.Close()
	must(greet(context.Background(), negotiated(app.URL)))
	// Output: ann says doors open
}

func groups(ctx context.Context, c *client.Client) error {
	unregister := c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
		fmt.Printf("%s in %s: %s\n", m.FromUserID, m.Group, m.Data)
	})
	defer unregister()
	if _, err := c.JoinGroup(ctx, "lobby", nil); err != nil {
		return err
	}
	_, err := c.SendToGroup(ctx, "lobby", client.Text("to the others"), &client.SendOptions{NoEcho: true})
	if err != nil {
		return err
	}
	_, err = c.LeaveGroup(ctx, "lobby", nil)
	return err
}

func Example_groups() {
	withClient(func(ctx context.Context, c *client.Client) { must(groups(ctx, c)) })
	// Output:
}

func typing(ctx context.Context, c *client.Client) error {
	c.OnGroupState(func(_ context.Context, ev client.GroupStateEvent) {
		for _, s := range c.GroupStates(ev.Group) {
			fmt.Println(s.UserID, s.State)
		}
	})
	if _, err := c.JoinGroup(ctx, "lobby", nil); err != nil {
		return err
	}
	if _, err := c.SetGroupState(ctx, "lobby", map[string]string{"typing": "yes"}, nil); err != nil {
		return err
	}
	_, err := c.SubscribeGroupState(ctx, "lobby", nil)
	return err
}

func Example_groupState() {
	withClient(func(ctx context.Context, c *client.Client) {
		must(typing(ctx, c))
		for len(c.GroupStates("lobby")) == 0 {
			runtime.Gosched()
		}
	})
	// Output: ann map[typing:yes]
}

func events(ctx context.Context, c *client.Client) error {
	// The handler's answer, if any, is a message.
	c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { fmt.Println("message:", m.Data) })
	if _, err := c.SendEvent(ctx, "say", client.JSON(Notice{"hello"}), nil); err != nil {
		return err
	}
	// The handler's answer is the result.
	answer, err := c.InvokeEvent(ctx, "shout", client.Text("hello"), nil)
	if err != nil {
		return err
	}
	fmt.Println("answer:", answer)
	// The same with a JSON answer, which is decoded.
	sum, err := client.InvokeJSON[int](ctx, c, "add", []int{1, 2}, nil)
	if err != nil {
		return err
	}
	fmt.Println("sum:", sum)
	return nil
}

func Example_events() {
	withClient(func(ctx context.Context, c *client.Client) { must(events(ctx, c)) })
	// Output:
	// answer: hello!
	// sum: 3
}

func durations(ctx context.Context, credential client.Credential) error {
	c, err := client.New(credential, &client.Options{Protocol: client.ProtocolProtobufReliable})
	if err != nil {
		return err
	}
	received := make(chan struct{})
	c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
		defer close(received)
		typeURL, value, err := m.Data.ProtobufMessage()
		if err != nil || typeURL != "type.googleapis.com/google.protobuf.Duration" {
			return // something else
		}
		var d durationpb.Duration
		if err := proto.Unmarshal(value, &d); err == nil {
			fmt.Println(d.AsDuration())
		}
	})
	if err := c.Start(ctx); err != nil {
		return err
	}
	if _, err := c.JoinGroup(ctx, "lobby", nil); err != nil {
		return err
	}
	message, err := anypb.New(durationpb.New(90 * time.Second))
	if err != nil {
		return err
	}
	if _, err := c.SendToGroup(ctx, "lobby", client.ProtobufMessage(message.GetTypeUrl(), message.GetValue()), nil); err != nil {
		return err
	}
	<-received
	return c.Stop(ctx)
}

func ExampleProtobufMessage() {
	credential, stop := addressesFor("ann")
	defer stop()
	must(durations(context.Background(), credential))
	// Output: 1m30s
}

func send(ctx context.Context, c *client.Client) error {
	stream, err := c.OpenGroupStream(ctx, "lobby", nil)
	if err != nil {
		return err
	}
	for _, word := range []string{"one", "two", "three"} {
		if err := stream.Write(ctx, client.Text(word)); err != nil {
			return err
		}
	}
	return stream.Close(ctx)
}

func receive(_ context.Context, stream *client.StreamReader) {
	for piece, err := range stream.Pieces() {
		if err != nil {
			fmt.Println("incomplete:", err)
			return
		}
		fmt.Println(piece)
	}
	fmt.Println("complete")
}

func sendText(ctx context.Context, c *client.Client, tokens iter.Seq2[string, error]) error {
	return c.StreamText(ctx, "lobby", func(_ context.Context, w *client.TextWriter) error {
		return w.WriteAll(tokens)
	}, nil)
}

func Example_streamText() {
	withClient(func(ctx context.Context, c *client.Client) {
		done := make(chan struct{})
		c.OnGroupStream(func(ctx context.Context, stream *client.StreamReader) { receive(ctx, stream); close(done) }, nil)
		_, err := c.JoinGroup(ctx, "lobby", nil)
		must(err)
		must(sendText(ctx, c, func(yield func(string, error) bool) {
			_ = yield("To", nil) && yield("kens", nil) && yield(" joined", nil)
		}))
		<-done
	})
	// Output:
	// Tokens joined
	// complete
}

func Example_streams() {
	withClient(func(ctx context.Context, c *client.Client) {
		done := make(chan struct{})
		c.OnGroupStream(func(ctx context.Context, stream *client.StreamReader) { receive(ctx, stream); close(done) }, nil)
		_, err := c.JoinGroup(ctx, "lobby", nil)
		must(err)
		must(send(ctx, c))
		<-done
	})
	// Output:
	// one
	// two
	// three
	// complete
}

func reliable(credential client.Credential, logger *slog.Logger, catchUp func(context.Context)) (*client.Client, error) {
	c, err := client.New(credential, &client.Options{
		RecoveryTimeout: 10 * time.Second,
		Reconnect:       client.Backoff{Max: 5 * time.Second, MaxRetries: 10},
		MessageRetry:    client.Backoff{MaxRetries: client.NoRetries},
		Logger:          logger,
	})
	if err != nil {
		return nil, err
	}
	c.OnConnected(func(ctx context.Context, _ client.ConnectedEvent) {
		catchUp(ctx) // the groups are rejoined, and no new message has been delivered
	})
	c.OnDisconnected(func(_ context.Context, ev client.DisconnectedEvent) {
		if ev.Err != nil {
			logger.Warn("messages may be lost", "error", ev.Err)
		}
	})
	c.OnStopped(func(_ context.Context, ev client.StoppedEvent) {
		if ev.Err != nil {
			logger.Error("client has stopped", "error", ev.Err)
		}
	})
	return c, nil
}

func Example_reliability() {
	credential, stop := addressesFor("ann")
	defer stop()
	ctx := context.Background()
	c, err := reliable(credential, slog.New(slog.DiscardHandler), func(context.Context) { fmt.Println("catching up") })
	must(err)
	must(c.Start(ctx))
	must(c.Stop(ctx))
	fmt.Println(c.State())
	// Output:
	// catching up
	// stopped
}

func logIn(c *client.Client) {
	c.OnNewConnection(func(ctx context.Context, _ client.ConnectedEvent) {
		if _, err := c.InvokeEvent(ctx, "login", client.Text("secret"), nil); err != nil {
			fmt.Println("not logged in:", err)
			_ = c.Stop(ctx)
		}
	})
}

func ExampleClient_OnNewConnection() {
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	logIn(c)
	must(c.Start(context.Background()))
	_, err = c.SendEvent(context.Background(), "say", client.Text("sent after the login"), nil)
	must(err)
	must(c.Stop(context.Background()))
	// Output:
}

func consume(ctx context.Context, c *client.Client, store func(*client.GroupMessage) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the iterator
	messages := c.GroupMessages(ctx)
	if _, err := c.JoinGroup(ctx, "lobby", nil); err != nil {
		return err
	}
	for m := range messages {
		if err := store(m); err != nil { // while store runs, messages wait
			return err
		}
	}
	return ctx.Err()
}

func Example_backpressure() {
	withClient(func(ctx context.Context, c *client.Client) {
		go func() {
			for {
				_, err := c.SendToGroup(ctx, "lobby", client.Text("tick"), nil)
				if err != nil {
					return
				}
			}
		}()
		fmt.Println(consume(ctx, c, func(m *client.GroupMessage) error { return errors.New("cannot store " + m.Data.String()) }))
	})
	// Output: cannot store tick
}

func explain(err error) string {
	var e *client.Error
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, client.ErrInvalid):
		return "not sent: a parameter is invalid"
	case errors.Is(err, client.ErrForbidden):
		return "not done: the client lacks the role"
	case errors.Is(err, client.ErrConnectionLost):
		return "unknown: the connection was lost before the answer"
	case errors.Is(err, client.ErrStopped):
		return "unknown: the client was stopped"
	case errors.As(err, &e) && e.Name != "":
		return "refused by the service or the event handler: " + e.Name
	}
	return "failed: " + err.Error()
}

func Example_errors() {
	withClient(func(ctx context.Context, c *client.Client) {
		_, err := c.JoinGroup(ctx, "", nil)
		fmt.Println(explain(err))
		_, err = c.JoinGroup(ctx, "staff", nil)
		fmt.Println(explain(err))
	})
	// Output:
	// not sent: a parameter is invalid
	// not done: the client lacks the role
}

func TestLobby(t *testing.T) {
	t.Parallel()
	emu := emulator.Start(t, emulator.Config{})
	url := emu.ClientURL("chat", &emulator.ClientOptions{UserID: "ann", Groups: []string{"lobby"}, Roles: []string{"webpubsub.sendToGroup"}})
	c, err := client.New(client.StaticURL(url), nil)
	require.NoError(t, err)
	received := make(chan string, 1)
	c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { received <- m.Data.String() })
	require.NoError(t, c.Start(t.Context()))
	_, err = c.SendToGroup(t.Context(), "lobby", client.Text("hello"), nil)
	require.NoError(t, err)
	require.Equal(t, "hello", <-received)
	require.NoError(t, c.Stop(t.Context()))
}

// withClient calls f with a started client of the emulator.
func withClient(f func(ctx context.Context, c *client.Client)) {
	ctx := context.Background()
	credential, stop := addressesFor("ann")
	defer stop()
	c, err := client.New(credential, nil)
	must(err)
	must(c.Start(ctx))
	f(ctx, c)
	must(c.Stop(ctx))
}

// TestGuide checks that each Go block of docs/client.md is a part of this file.
func TestGuide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/client.md")
	require.NoError(t, err)
	code, err := os.ReadFile("example_guide_test.go")
	require.NoError(t, err)
	blocks := bytes.Split(guide, []byte("```go\n"))[1:]
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		block, _, _ = bytes.Cut(block, []byte("```\n"))
		require.Contains(t, string(code), string(block))
	}
}

// TestParityTable checks that the tests in docs/client-parity.md exist.
func TestParityTable(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("../docs/client-parity.md")
	require.NoError(t, err)
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var code []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		code = append(code, text...)
	}
	names := regexp.MustCompile("`(Test\\w+)").FindAllSubmatch(table, -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.Contains(t, string(code), "\nfunc "+string(name[1]))
	}
}
