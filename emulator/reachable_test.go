package emulator_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// answering calls a function before the handshake of a client is answered.
type answering struct {
	http.Handler
	before func()
}

func (a answering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.Handler.ServeHTTP(&answeringWriter{w, a.before}, r)
}

type answeringWriter struct {
	http.ResponseWriter
	before func()
}

func (w *answeringWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.before()
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// TestReachableOnceConnected sends to a client just before its handshake is answered.
func TestReachableOnceConnected(t *testing.T) {
	t.Parallel()
	for _, subprotocol := range []string{"", plainJSON, reliableJSON} {
		t.Run(subprotocol, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				sender := r.member("bob")
				r.http = serve(t, answering{r.server, func() {
					assert.Equal(t, http.StatusOK, r.rest(http.MethodHead, "/users/ann", "", ""))
					assert.Equal(t, http.StatusOK, r.rest(http.MethodHead, "/groups/lobby", "", ""))
					assert.Equal(t, http.StatusAccepted, r.rest(http.MethodPost, "/users/ann/:send", "text/plain", "user"))
					assert.Equal(t, http.StatusAccepted, r.rest(http.MethodPost, "/groups/lobby/:send", "text/plain", "group"))
					assert.Equal(t, http.StatusAccepted, r.rest(http.MethodPost, "/:send", "text/plain", "all"))
					sender.send(`{"type":"sendToGroup","group":"lobby","dataType":"text","data":"peer"}`)
					sender.next() // the message to all
					sender.quiet()
				}}, func() {})
				var offered []string
				if subprotocol != "" {
					offered = append(offered, subprotocol)
				}
				p, resp := r.try(r.clientURL("ann", "", "lobby"), nil, offered...)
				require.NotNil(t, p, "status %d", resp.StatusCode)
				if subprotocol != "" {
					require.Equal(t, "connected", p.next()["event"])
				}
				for _, want := range []string{"user", "group", "all", "peer"} {
					if subprotocol == "" {
						p.expect(want)
						continue
					}
					require.Equal(t, want, p.next()["data"])
				}
			})
		})
	}
}

// refusing fails to hijack connections.
type refusing struct{ http.Handler }

func (h refusing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.Handler.ServeHTTP(refusingWriter{w}, r)
}

type refusingWriter struct{ http.ResponseWriter }

func (w refusingWriter) WriteHeader(status int) {
	if status != http.StatusSwitchingProtocols { // fails before the answer is sent
		w.ResponseWriter.WriteHeader(status)
	}
}

func (refusingWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, errors.New("refused")
}

// TestFailedHandshake checks that a client whose handshake fails leaves the hub, and
// that the handler gets disconnected.
func TestFailedHandshake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, s := &script{}, new(sink)
		r := newRig(t, chat(h), s)
		r.http = serve(t, refusing{r.server}, func() {})
		_, resp := r.try(r.clientURL("ann", "", "lobby"), nil, reliableJSON)
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
		assert.Equal(t, http.StatusNotFound, r.rest(http.MethodHead, "/users/ann", "", ""))
		assert.Equal(t, http.StatusNotFound, r.rest(http.MethodHead, "/groups/lobby", "", ""))
		assert.Equal(t, []string{"OPTIONS", "connect", "connected", "joined", "left", "disconnected"}, h.settled())
		assert.Contains(t, h.one(t, "disconnected").body, "The client's handshake failed.")
		failed := s.clients(trace.KindHandshakeFailed)
		require.Len(t, failed, 1)
		assert.Equal(t, s.clients(trace.KindClientConnected)[0].Client, failed[0].Client)
	})
}

// TestFailedRecovery checks that the connection can still be recovered.
func TestFailedRecovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("ann", ""), reliableJSON)
		require.NoError(t, p.conn.CloseNow())
		synctest.Wait()
		good := r.http
		r.http = serve(t, refusing{r.server}, func() {})
		_, resp := r.try(base+"/client/hubs/chat?awps_connection_id="+p.id()+"&awps_reconnection_token="+p.greeting["reconnectionToken"].(string), nil, reliableJSON)
		assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
		r.http = good
		require.Equal(t, http.StatusAccepted, r.rest(http.MethodPost, "/users/ann/:send", "text/plain", "hello"))
		p = r.recover(p)
		require.Equal(t, "connected", p.next()["event"])
		assert.Equal(t, "hello", p.next()["data"])
	})
}

// TestCloseDuringHandshake checks that a pending handshake does not block Close.
func TestCloseDuringHandshake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &script{}
		r := newRig(t, chat(h))
		stopped := make(chan error, 1)
		r.http = serve(t, answering{r.server, func() {
			go func() { stopped <- r.server.Shutdown(context.Background()) }()
			pass(time.Second)
		}}, func() {})
		p := r.raw(r.clientURL("ann", ""))
		_, _, err := p.conn.Read(t.Context())
		require.ErrorIs(t, err, io.EOF)
		require.NoError(t, <-stopped)
		assert.Equal(t, []string{"OPTIONS", "connect", "connected", "disconnected"}, h.names())
	})
}
