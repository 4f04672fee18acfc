package client_test

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// TestCallbackContext checks that a callback's context has the values of Start's,
// does not end with it, and ends with the client.
func TestCallbackContext(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		var got, last context.Context
		c.OnConnected(func(ctx context.Context, _ client.ConnectedEvent) { got = ctx }) //nolint:fatcontext // to be looked at
		c.OnStopped(func(ctx context.Context, _ client.StoppedEvent) { last = ctx })    //nolint:fatcontext // to be looked at
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "v"))
		go func() { f.greet("id-1") }()
		require.NoError(t, c.Start(ctx))
		cancel()
		synctest.Wait()
		require.NoError(t, got.Err())
		assert.Equal(t, "v", got.Value(contextKey{}))
		require.NoError(t, c.Stop(t.Context()))
		require.ErrorIs(t, got.Err(), context.Canceled)
		require.NoError(t, last.Err())
	})
}

// TestPanic checks that a panic ends neither the client nor other callbacks.
func TestPanic(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var errs []error
		c := f.client(&client.Options{OnError: func(_ context.Context, err error) {
			errs = append(errs, err)
			panic("in OnError, too")
		}})
		seen := new(recorder)
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { panic(m.Data.String()) })
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { seen.note(m.Data.String()) })
		c.OnServerMessage(nil)
		p := f.start(c)
		p.send(group(1, "a"), group(2, "b"), `{"type":"message","from":"server","dataType":"text","data":"x"}`)
		assert.Equal(t, []string{"a", "b"}, seen.settled())
		require.Len(t, errs, 3)
		var e *client.PanicError
		require.ErrorAs(t, errs[0], &e)
		assert.Equal(t, "a", e.Value)
		assert.Contains(t, string(e.Stack), "TestPanic")
		require.EqualError(t, errs[1], "client: callback panicked: b")
		require.EqualError(t, errs[2], "client: callback panicked: runtime error: invalid memory address or nil pointer dereference")
	})
}

// TestGoexit checks that a callback that ends its goroutine, as FailNow does, does
// not end the client.
func TestGoexit(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := new(recorder)
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) {
			seen.note(m.Data.String())
			runtime.Goexit()
		})
		p := f.start(c)
		p.send(group(1, "a"), group(2, "b"), group(3, "c"))
		assert.Equal(t, []string{"a", "b", "c"}, seen.settled())
		require.NoError(t, c.Stop(t.Context()))
	})
}

func TestErrorsAreLogged(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var log bytes.Buffer
		c := f.client(&client.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		c.OnGroupMessage(func(context.Context, *client.GroupMessage) { panic("oh") })
		p := f.start(c)
		p.send(`{"type":`, group(1, "x"))
		synctest.Wait()
		assert.Contains(t, log.String(), `level=WARN msg=client error="client: Receive: text ends at offset 8: want a string"`)
		assert.Contains(t, log.String(), `level=ERROR msg=client error="client: callback panicked: oh" stack=`)
	})
}
