package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	nethttptest "net/http/httptest"
	"net/http/httputil"
	"net/rpc"
	"net/url"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

// victimEnv is the address of the store of a victim.
const victimEnv = "WEBPUBSUB_E2E_STORE"

// Claim is the argument of Begin in net/rpc, which wants exported types.
type Claim struct {
	Key, ID string
	Lease   time.Duration
}

// storeServer is a store for another process.
type storeServer struct{ webpubsub.DeduplicationStore }

// Begin is the only call of a process that dies before its function ends.
func (s storeServer) Begin(c Claim, state *webpubsub.ClaimState) (err error) {
	*state, _, err = s.DeduplicationStore.Begin(context.Background(), c.Key, c.ID, c.Lease)
	return err
}

// remoteStore is a storeServer in another process.
type remoteStore struct {
	webpubsub.DeduplicationStore // nil
	client                       *rpc.Client
}

func (s remoteStore) Begin(_ context.Context, key, claim string, lease time.Duration) (state webpubsub.ClaimState, _ []byte, err error) {
	err = s.client.Call("Store.Begin", Claim{key, claim, lease}, &state)
	return state, nil, err
}

// runVictim serves a handler whose function never ends. It prints its address, and a line
// when the function runs. It ends with its standard input.
func runVictim(store string) error {
	client, err := rpc.Dial("tcp", store)
	if err != nil {
		return err
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		Deduplication:     webpubsub.Deduplication{Store: remoteStore{client: client}},
		Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
			fmt.Println("the function runs")
			select {}
		},
	})
	if err != nil {
		return err
	}
	server := nethttptest.NewServer(h)
	fmt.Println(server.URL)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// startVictim starts this test binary as a process with runVictim.
func startVictim(t *testing.T, store string) (cmd *exec.Cmd, output *bufio.Scanner) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd = exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), victimEnv+"="+store)
	cmd.Stderr = os.Stderr
	_, err = cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	return cmd, bufio.NewScanner(stdout)
}

// TestProcessIsKilled: a process is killed while it handles an event. Until its claim has
// expired, other deliveries are refused. Then the event is handled once more, and no more.
func TestProcessIsKilled(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	store, err := webpubsub.NewMemoryStore(&webpubsub.MemoryStoreOptions{Now: func() time.Time { return time.Unix(passed.Load(), 0) }})
	require.NoError(t, err)
	server := rpc.NewServer()
	require.NoError(t, server.RegisterName("Store", storeServer{store}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	disconnected := make(chan struct{})
	go func() {
		defer close(disconnected)
		if c, err := listener.Accept(); err == nil {
			server.ServeConn(c)
		}
	}()
	defer func() { _ = listener.Close() }()

	victim, output := startVictim(t, listener.Addr().String())
	require.True(t, output.Scan())
	address, err := url.Parse(output.Text())
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(address)
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	proxy.ErrorLog = log.New(io.Discard, "", 0) // the victim ends without an answer

	handled := 0
	other, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		Deduplication:     webpubsub.Deduplication{Store: store},
		Fallback: func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) {
			handled++
			return webpubsub.TextReply("handled"), nil
		},
	})
	require.NoError(t, err)
	var alive atomic.Bool
	svc := httptest.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if alive.Load() {
			proxy.ServeHTTP(w, r)
			return
		}
		other.ServeHTTP(w, r)
	}), nil)
	conn, err := svc.Connect(t.Context(), nil)
	require.NoError(t, err)

	alive.Store(true)
	first := make(chan error, 1)
	go func() {
		_, err := conn.SendText(t.Context(), "pay", "1")
		first <- err
	}()
	require.True(t, output.Scan())
	assert.Equal(t, "the function runs", output.Text())
	alive.Store(false)
	require.NoError(t, victim.Process.Kill())
	require.Error(t, victim.Wait())
	require.Error(t, <-first)
	<-disconnected // no renewal is under way

	_, err = conn.Redeliver(t.Context())
	var refused *httptest.RejectedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusServiceUnavailable, refused.Status)
	assert.Zero(t, handled)

	passed.Add(int64(webpubsub.DefaultClaimLease / time.Second))
	for range 2 {
		msg, err := conn.Redeliver(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "handled", msg.Text())
		assert.Equal(t, 1, handled)
	}
}
