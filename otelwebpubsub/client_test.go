package otelwebpubsub_test

import (
	"context"
	"fmt"
	"net/http"
	stdtest "net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/otelwebpubsub"
)

func startClient(t *testing.T, r *rig, em *emulator.TestServer, opts client.Options) *client.Client {
	t.Helper()
	opts.Trace = r.Client()
	c, err := client.New(client.StaticURL(em.ClientURL("chat", &emulator.ClientOptions{UserID: "ann", Roles: []string{"webpubsub.joinLeaveGroup", "webpubsub.sendToGroup.g"}})), &opts)
	require.NoError(t, err)
	require.NoError(t, c.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, c.Stop(context.Background())) })
	return c
}

// TestClient checks the spans and metrics of a client that sends to itself and is refused.
func TestClient(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	em := emulator.Start(t, emulator.Config{})
	c := startClient(t, r, em, client.Options{})
	got := make(chan struct{})
	c.OnGroupMessage(func(context.Context, *client.GroupMessage) { got <- struct{}{} })
	ctx, parent := r.tracers.Tracer("").Start(t.Context(), "parent")
	_, err := c.JoinGroup(ctx, "g", nil)
	require.NoError(t, err)
	_, err = c.SendToGroup(ctx, "g", client.Text("x"), nil)
	require.NoError(t, err)
	<-got
	_, err = c.SendToGroup(ctx, "other", client.Text("x"), nil)
	require.ErrorIs(t, err, client.ErrForbidden)
	_, err = c.SendToGroup(ctx, "g", client.Text("x"), &client.SendOptions{FireAndForget: true})
	require.NoError(t, err)
	<-got
	parent.End()
	require.NoError(t, c.Stop(ctx))

	connect := r.only(t, "connect")
	assert.Equal(t, trace.SpanKindClient, connect.SpanKind())
	assert.Contains(t, text(connect.Attributes()), "webpubsub.attempts=1,webpubsub.connection.id=")
	join := r.only(t, "JoinGroup")
	assert.Equal(t, parent.SpanContext().SpanID(), join.Parent().SpanID())
	assert.Equal(t, "messaging.destination.name=g,messaging.operation.name=JoinGroup,messaging.system=webpubsub,webpubsub.attempts=1", text(join.Attributes()))
	var sends []string
	for _, s := range r.spans.Ended() {
		if s.Name() == "SendToGroup" {
			sends = append(sends, text(s.Attributes()))
			assert.Equal(t, trace.SpanKindProducer, s.SpanKind())
			assert.False(t, s.StartTime().After(s.EndTime()))
		}
	}
	assert.Equal(t, []string{
		"messaging.destination.name=g,messaging.operation.name=SendToGroup,messaging.operation.type=send,messaging.system=webpubsub,webpubsub.attempts=1",
		"error.type=forbidden,messaging.destination.name=other,messaging.operation.name=SendToGroup,messaging.operation.type=send,messaging.system=webpubsub,webpubsub.attempts=1",
	}, sends)

	for name, want := range map[string]map[string]int64{
		"webpubsub.client.connections":         {"": 0},
		"webpubsub.client.connect.duration":    {"": 1},
		"messaging.client.sent.messages":       {"messaging.operation.name=SendToGroup,messaging.system=webpubsub": 3},
		"messaging.client.consumed.messages":   {"messaging.operation.name=receive,messaging.system=webpubsub,webpubsub.message.kind=group": 2},
		"webpubsub.client.queue.length":        {"": 2},
		"webpubsub.client.queue.wait.duration": {"": 2},
		"messaging.client.operation.duration": {
			"messaging.operation.name=JoinGroup,messaging.system=webpubsub":                        1,
			"messaging.operation.name=SendToGroup,messaging.system=webpubsub":                      1,
			"error.type=forbidden,messaging.operation.name=SendToGroup,messaging.system=webpubsub": 1,
		},
		"messaging.process.duration": {"messaging.operation.name=callback,messaging.system=webpubsub,webpubsub.message.kind=group": 2},
	} {
		assert.Equal(t, want, r.values(t, name), name)
	}
}

// TestClientConnections checks the metrics of attempts that fail, and of lost, recovered
// and ended connections.
func TestClientConnections(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	trc := r.Client()
	ctx := t.Context()
	trc.ConnectDone(ctx, client.ConnectDoneInfo{Attempt: 1, Err: &client.Error{StatusCode: 401}, Duration: time.Second})
	trc.ConnectDone(ctx, client.ConnectDoneInfo{Attempt: 2, Err: &client.Error{StatusCode: 70000}})
	trc.ConnectDone(ctx, client.ConnectDoneInfo{Attempt: 3, Err: &client.Error{CloseCode: 1008}})
	trc.ConnectDone(ctx, client.ConnectDoneInfo{Attempt: 4, ConnectionID: "c"})
	for code := range 5000 {
		trc.Lost(ctx, client.LostInfo{CloseCode: code})
	}
	trc.RecoverDone(ctx, client.RecoverDoneInfo{Attempt: 1, Err: context.DeadlineExceeded})
	trc.RecoverDone(ctx, client.RecoverDoneInfo{Attempt: 2})
	trc.Repeated(ctx, client.RepeatedInfo{})
	trc.Acknowledged(ctx, client.AcknowledgedInfo{})
	trc.RequestSent(ctx, client.RequestSentInfo{Operation: "SendEvent", Attempt: 2})
	assert.Equal(t, map[string]int64{"": 1}, r.values(t, "webpubsub.client.connections"))
	assert.Equal(t, map[string]int64{"": 1, "error.type=401": 1, "error.type=_OTHER": 1, "error.type=close_1008": 1}, r.values(t, "webpubsub.client.connect.duration"))
	lost := r.values(t, "webpubsub.client.lost_sockets")
	assert.Len(t, lost, 18)
	assert.Equal(t, int64(1), lost["webpubsub.close.code=1006"])
	assert.Equal(t, int64(1), lost["webpubsub.close.code=none"])
	assert.Equal(t, int64(5000-17), lost["webpubsub.close.code=_OTHER"])
	assert.Equal(t, map[string]int64{"": 1, "error.type=timeout": 1}, r.values(t, "webpubsub.client.recovery.duration"))
	assert.Equal(t, map[string]int64{"": 1}, r.values(t, "webpubsub.client.repeated_messages"))
	assert.Equal(t, map[string]int64{"": 1}, r.values(t, "webpubsub.client.acks"))
	assert.Equal(t, map[string]int64{"messaging.operation.name=SendEvent": 1}, r.values(t, "webpubsub.client.retries"))
	trc.Ended(ctx, client.EndedInfo{})
	assert.Equal(t, map[string]int64{"": 0}, r.values(t, "webpubsub.client.connections"))
}

// TestClientShowsNoSecret connects to a service that repeats the secrets of the request.
func TestClientShowsNoSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t, otelwebpubsub.Options{})
	srv := stdtest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Error(w, fmt.Sprint(req.URL, req.Header), http.StatusUnauthorized)
	}))
	defer srv.Close()
	c, err := client.New(client.StaticURL(strings.Replace(srv.URL, "http", "ws", 1)+"/client/hubs/chat?access_token="+secret), &client.Options{
		Header: http.Header{"Cookie": {secret}}, Trace: r.Client(),
	})
	require.NoError(t, err)
	require.ErrorIs(t, c.Start(t.Context()), client.ErrUnauthorized)
	assert.Contains(t, text(r.only(t, "connect").Attributes()), "error.type=401")
	holdsNone(t, r.everything(t))
}
