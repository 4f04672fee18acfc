package httptest_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/httptest"
)

// Over the network, header names have the service's spelling, and there are no
// headers that the service does not send.
func TestDeliveryToURL(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, listener.Close()) })
	raw := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		r := bufio.NewReader(conn)
		var head strings.Builder
		for {
			line, err := r.ReadString('\n')
			head.WriteString(line)
			if err != nil || line == "\r\n" {
				break
			}
		}
		raw <- head.String()
		_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		assert.NoError(t, conn.Close())
	}()
	svc := httptest.New(nil, &httptest.Options{
		URL:       "http://" + listener.Addr().String() + "/eventhandler/{event}",
		Transport: &http.Transport{DisableCompression: true},
	})
	_, err = svc.Connect(t.Context(), &httptest.Client{UserID: "用户"})
	require.NoError(t, err)
	head := <-raw
	for _, want := range []string{
		"POST /eventhandler/connect HTTP/1.1\r\n", "\r\nWebHook-Request-Origin: localhost\r\n", "\r\nce-userId: 用户\r\n",
		"\r\nce-connectionId: ", "\r\nce-eventName: connect\r\n", "\r\nce-awpsversion: 1.0\r\n", "\r\nce-signature: sha256=",
		"\r\nx-ms-client-request-id: ",
	} {
		assert.Contains(t, head, want)
	}
	assert.NotContains(t, head, "User-Agent")
	assert.NotContains(t, head, "Ce-")
}
