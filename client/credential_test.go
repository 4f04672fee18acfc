package client_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

func TestStartBadAddress(t *testing.T) {
	t.Parallel()
	for address, text := range map[string]string{
		"":                         "client: Start: client URL is empty",
		"ws://a b/secret":          "client: Start: client URL is invalid",
		"ftp://fake.test/?secret":  "client: Start: client URL: want ws, wss, http or https",
		"/client/hubs/chat":        "client: Start: client URL: want ws, wss, http or https",
		"ws:///client/hubs/secret": "client: Start: client URL has no host",
		"ws://u:secret@fake.test/": "client: Start: client URL has user information",
	} {
		c, err := client.New(client.StaticURL(address), nil)
		require.NoError(t, err)
		require.EqualError(t, c.Start(t.Context()), text)
	}
}

func TestStartCredential(t *testing.T) {
	t.Parallel()
	denied := errors.New("denied")
	c, err := client.New(func(ctx context.Context) (string, error) {
		assert.Equal(t, "v", ctx.Value(contextKey{}), "the credential gets the values of Start's context")
		return "", denied
	}, nil)
	require.NoError(t, err)
	err = c.Start(context.WithValue(t.Context(), contextKey{}, "v"))
	require.ErrorIs(t, err, denied)
	require.EqualError(t, err, "client: Start: credential: denied")

	_, err = client.New(nil, nil)
	require.EqualError(t, err, "client: new: credential is nil; want one that returns the URL of ClientAccess, such as StaticURL(url)")
}

// TestStopInCredential stops the client in its credential.
func TestStopInCredential(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var c *client.Client
		asked := 0
		c, err := client.New(func(ctx context.Context) (string, error) {
			if asked++; asked > 1 {
				return "", errors.Join(errors.New("signed out"), c.Stop(ctx))
			}
			return fakeAddress, nil
		}, &client.Options{HTTPClient: f.network.client()})
		require.NoError(t, err)
		seen := record(c)
		p := f.start(c)
		pass(15 * time.Second)
		p.close(websocket.StatusPolicyViolation, "")
		assert.Equal(t, []string{"connected ann", "disconnected", "stopped"}, seen.settled())
		require.ErrorIs(t, c.Start(t.Context()), client.ErrStopped)
		assert.Equal(t, 3, asked)
	})
}

// TestCredentialEndsGoroutine ends the goroutine in the credential, as FailNow
// does.
func TestCredentialEndsGoroutine(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){"Goexit": runtime.Goexit, "panic": func() { panic("oh") }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				f := newFake(t)
				first := true
				c, err := client.New(func(context.Context) (string, error) {
					if first {
						first = false
						end()
					}
					return fakeAddress, nil
				}, &client.Options{HTTPClient: f.network.client()})
				require.NoError(t, err)
				started := make(chan any)
				go func() {
					defer func() { started <- recover() }()
					_ = c.Start(t.Context())
				}()
				if v := <-started; name == "panic" {
					assert.Equal(t, "oh", v)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.NoError(t, c.Stop(ctx))
				assert.Equal(t, client.StateStopped, c.State())
				f.start(c)
				require.NoError(t, c.Stop(t.Context()))
			})
		})
	}
}

// TestCredentialFailsLater checks that a failed credential is called again.
func TestCredentialFailsLater(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		asked := 0
		var errs []error
		c, err := client.New(func(context.Context) (string, error) {
			if asked++; asked > 1 && asked < 5 {
				return "", fmt.Errorf("try %d", asked)
			}
			return fakeAddress, nil
		}, &client.Options{HTTPClient: f.network.client(), OnError: func(_ context.Context, err error) { errs = append(errs, err) }})
		require.NoError(t, err)
		p := f.start(c)
		pass(15 * time.Second)
		p.close(websocket.StatusPolicyViolation, "")
		f.greet("id-2")
		synctest.Wait()
		assert.Equal(t, "id-2", c.ConnectionID())
		require.Len(t, errs, 3)
		for i, err := range errs {
			var e *client.Error
			require.ErrorAs(t, err, &e)
			require.EqualError(t, err, fmt.Sprintf("client: Reconnect: credential: try %d", i+2))
			require.Error(t, errors.Unwrap(err))
		}
		require.NoError(t, c.Stop(t.Context()))
	})
}

// TestPermanent checks that a permanent error of the credential ends the client.
func TestPermanent(t *testing.T) {
	t.Parallel()
	require.NoError(t, client.Permanent(nil))
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		errSignedOut := errors.New("signed out")
		asked, signedOut := 0, false
		c, err := client.New(func(context.Context) (string, error) {
			if asked++; signedOut {
				return "", fmt.Errorf("login: %w", client.Permanent(errSignedOut))
			}
			return fakeAddress, nil
		}, &client.Options{HTTPClient: f.network.client()})
		require.NoError(t, err)
		seen := record(c)
		var end error
		c.OnStopped(func(_ context.Context, ev client.StoppedEvent) { end = ev.Err })
		p := f.start(c)
		pass(15 * time.Second)
		signedOut = true
		p.close(websocket.StatusPolicyViolation, "")
		pass(time.Hour)
		assert.Equal(t, []string{"connected ann", "disconnected", "stopped client: Reconnect: credential: login: signed out"}, seen.settled())
		require.ErrorIs(t, end, errSignedOut)
		assert.Equal(t, 2, asked)
		require.ErrorIs(t, c.Start(t.Context()), errSignedOut)
		assert.Equal(t, client.StateStopped, c.State())
	})
}
