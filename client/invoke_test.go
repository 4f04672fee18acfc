package client_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/protoschema"
)

// invocation is an invocation in progress.
type invocation struct {
	data client.Data
	err  error
	done chan struct{}
}

func invoke(ctx context.Context, c *client.Client, data client.Data, opts *client.InvokeOptions) *invocation {
	i := &invocation{done: make(chan struct{})}
	go func() {
		defer close(i.done)
		i.data, i.err = c.InvokeEvent(ctx, "add", data, opts)
	}()
	return i
}

func TestInvokeEvent(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		first := invoke(t.Context(), c, client.JSON([]int{1, 2}), nil)
		p.expect(`{"type":"invoke","invocationId":"1","target":"event","event":"add","dataType":"json","data":[1,2]}`)
		second := invoke(t.Context(), c, client.Data{}, &client.InvokeOptions{InvocationID: "mine"})
		p.expect(`{"type":"invoke","invocationId":"mine","target":"event","event":"add"}`)
		_, err := c.InvokeEvent(t.Context(), "add", client.Data{}, &client.InvokeOptions{InvocationID: "mine"})
		require.ErrorIs(t, err, client.ErrInvalid)
		require.EqualError(t, err, `client: InvokeEvent: invocation id "mine" is in use`)
		p.send(`{"type":"invokeResponse","invocationId":"mine","success":true}`, `{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"json","data":3}`)
		<-second.done
		require.NoError(t, second.err)
		assert.Equal(t, client.DataNone, second.data.Type())
		<-first.done
		require.NoError(t, first.err)
		var sum int
		require.NoError(t, first.data.Decode(&sum))
		assert.Equal(t, 3, sum)

		third := invoke(t.Context(), c, client.Text(""), nil)
		p.expect(`{"type":"invoke","invocationId":"2","target":"event","event":"add","dataType":"text","data":""}`)
		p.send(`{"type":"invokeResponse","invocationId":"2","success":false,"error":{"name":"Forbidden","message":"no"}}`)
		<-third.done
		require.EqualError(t, third.err, "client: InvokeEvent: Forbidden: no")
		require.ErrorIs(t, third.err, client.ErrForbidden)

		// The client cancels an invocation whose context ends.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		fourth := invoke(ctx, c, client.Text(""), nil)
		p.next()
		p.expect(`{"type":"cancelInvocation","invocationId":"3"}`)
		<-fourth.done
		require.ErrorIs(t, fourth.err, context.DeadlineExceeded)
		p.send(`{"type":"invokeResponse","invocationId":"3","success":true}`) // too late

		// An invocation is not repeated, not even on the same connection.
		fifth := invoke(t.Context(), c, client.Text(""), nil)
		p.next()
		p.drop()
		p = f.recovered("id-1")
		<-fifth.done
		require.ErrorIs(t, fifth.err, client.ErrConnectionLost)
		p.quiet(10 * time.Second)
	})
}

func TestInvokeEventStopped(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		i := invoke(t.Context(), c, client.Text(""), nil)
		p.next()
		require.NoError(t, c.Stop(t.Context()))
		<-i.done
		require.ErrorIs(t, i.err, client.ErrStopped)
		_, err := c.InvokeEvent(t.Context(), "add", client.Data{}, nil)
		require.EqualError(t, err, "client: InvokeEvent: client is stopped")
	})
}

// TestInvokeEmulator gets the answer of an event handler.
func TestInvokeEmulator(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodOptions:
				w.Header().Set("WebHook-Allowed-Origin", "*")
			case r.Header.Get("ce-eventName") == "add":
				w.Header().Set("Content-Type", "application/octet-stream")
				_, _ = w.Write([]byte{3})
			default:
				w.WriteHeader(http.StatusNoContent)
			}
		})
		r := newRig(t, emulator.Config{Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(handler)}}}}).over(p)
		c := r.started("ann", nil)
		got, err := c.InvokeEvent(t.Context(), "add", client.Data{}, nil)
		require.NoError(t, err)
		assert.Equal(t, client.DataBinary, got.Type())
		assert.Equal(t, []byte{3}, got.Bytes())
		got, err = c.InvokeEvent(t.Context(), "other", client.Text("x"), nil)
		require.NoError(t, err)
		assert.Equal(t, client.DataNone, got.Type())
	})
}

// TestInvalidAnswer checks that an invocation does not wait for ever if its answer is
// invalid.
func TestInvalidAnswer(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		i := invoke(t.Context(), c, client.Data{}, nil)
		p.expect(`{"type":"invoke","invocationId":"1","target":"event","event":"add"}`)
		p.send(`{"type":"invokeResponse","invocationId":"1","success":true,"dataType":"later","data":3}`)
		<-i.done
		require.EqualError(t, i.err, "client: InvokeEvent: answer: member dataType is missing or unknown")
	})
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{Protocol: client.ProtocolProtobuf})
		started := make(chan error)
		go func() { started <- c.Start(t.Context()) }()
		p := <-f.peers
		send := func(text string, end ...byte) {
			frame, err := protoschema.Encode(protoschema.Downstream(), text)
			require.NoError(t, err)
			copy(frame[len(frame)-len(end):], end)
			require.NoError(t, p.conn.Write(t.Context(), websocket.MessageBinary, frame))
		}
		send(`system_message{connected_message{connection_id:"id-1"}}`)
		require.NoError(t, <-started)
		i := invoke(t.Context(), c, client.Data{}, nil)
		_, _, err := p.conn.Read(t.Context())
		require.NoError(t, err)
		send(`invoke_response_message{invocation_id:"1" success:true data{text_data:"x"}}`, 0xff)
		<-i.done
		require.EqualError(t, i.err, "client: InvokeEvent: answer: frame is not UTF-8")
	})
}
