package doctor

import (
	"crypto/tls"
	"net"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// connectTimeout is the longest time for a TCP connection and for the handshake of TLS.
// It ends before the time for an answer does, so that a firewall is not taken for a slow
// handler.
const connectTimeout = upstream.ValidationTimeout / 2

// maxAnswerHeader is the number of bytes of an answer's header that .NET reads, on which
// the service is built.
const maxAnswerHeader = 64 << 10

// NewTransport returns a transport that asks for HTTP/2 over TLS, as the service does.
// Proxies of the environment are used. It keeps so many idle connections.
func NewTransport(idle int) http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxAnswerHeader,
		MaxIdleConns:           idle,
		MaxIdleConnsPerHost:    idle,
		IdleConnTimeout:        connectTimeout,
	}
}
