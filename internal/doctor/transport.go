package doctor

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// connectTimeout is the longest time for a TCP connection and for the handshake of TLS.
const connectTimeout = 10 * time.Second

// maxAnswerHeader is the number of bytes of an answer's header that .NET reads, on which
// the service is built.
const maxAnswerHeader = 64 << 10

// newTransport returns a transport that asks for HTTP/2 over TLS, as the service does.
// Proxies of the environment are used.
func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxAnswerHeader,
		MaxIdleConns:           1,
		IdleConnTimeout:        connectTimeout,
	}
}
