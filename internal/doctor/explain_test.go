package doctor_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/doctor"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

// certificate returns a self-signed certificate for a host.
func certificate(t *testing.T, host string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: until, DNSNames: []string{host}}
	if ip := net.ParseIP(host); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS serves with a certificate on a loopback listener.
func serveTLS(t *testing.T, c tls.Certificate) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = discardLog()
	server.TLS = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL
}

// accept serves TCP connections, without HTTP.
func accept(t *testing.T, answer string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1024))
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestCheckNamesTheCauseOfNoAnswer(t *testing.T) {
	t.Parallel()
	later := time.Now().Add(time.Hour)
	plain := serve(t, http.NotFoundHandler())
	for name, tt := range map[string]struct{ url, cause, text string }{
		"expired":        {serveTLS(t, certificate(t, "127.0.0.1", time.Unix(1, 0))), "tls-expired", "the certificate of 127.0.0.1 has expired, or is not valid yet"},
		"wrong host":     {serveTLS(t, certificate(t, "example.test", later)), "tls-host", "the certificate is not for the host 127.0.0.1"},
		"unknown issuer": {serveTLS(t, certificate(t, "127.0.0.1", later)), "tls-issuer", "the issuer of the certificate is unknown: it is self-signed, or an intermediate certificate is missing"},
		"https to http":  {"https" + strings.TrimPrefix(plain, "http"), "tls-plain", "the server does not speak TLS at this port, and the URL is https"},
		"refused":        {"http://127.0.0.1:1", "refused", "nothing listens at 127.0.0.1:1"},
		"closed":         {accept(t, ""), "closed", "the server closes the connection without an answer: the handler panics, or a proxy or firewall ends it"},
		"not HTTP":       {accept(t, "220 mail.example.test ESMTP\r\n"), "not-http", "the answer of "},
		"invalid header": {accept(t, "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"), "not-http", "the answer of "},
		"long header":    {accept(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 80<<10)+"\r\n\r\n"), "answer-header", "the header of the answer is longer than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertUnreachable(t, visit(t, options(tt.url+"/eventhandler")), tt.cause, tt.text)
		})
	}
}

func assertUnreachable(t *testing.T, v visited, cause, text string) {
	t.Helper()
	assert.Equal(t, []string{"url-braces"}, v.passed)
	assert.Equal(t, []string{"reach"}, v.broken)
	require.NotNil(t, v.cause)
	assert.Equal(t, cause, v.cause.ID)
	assert.Equal(t, text, v.cause.Text[:min(len(text), len(v.cause.Text))])
	for id, because := range v.untried {
		assert.Equal(t, "reach", because, id)
	}
}

// http to a port for https gets an answer, which is not the handler's.
func TestCheckOfAnHTTPSPort(t *testing.T) {
	t.Parallel()
	url := serveTLS(t, certificate(t, "127.0.0.1", time.Now().Add(time.Hour)))
	v := visit(t, options("http"+strings.TrimPrefix(url, "https")+"/eventhandler"))
	assert.Equal(t, []string{"options-consent"}, v.broken)
	require.NotNil(t, v.cause)
	assert.Equal(t, "https-port", v.cause.ID)
}

// The alerts of a server have no exported type.
func TestCheckOfARefusedHandshake(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(*tls.Config){
		"client certificate": func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert },
		"no common protocol": func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, client := serveTrusted(t, http.NotFoundHandler(), refuse)
			client.TLSClientConfig.MaxVersion = tls.VersionTLS12
			opts := options(url + "/eventhandler")
			opts.Transport = client
			assertUnreachable(t, visit(t, opts), "tls", "TLS failed")
		})
	}
}

// A panic ends the stream, and not the connection.
func TestCheckOfAPanicOverHTTP2(t *testing.T) {
	t.Parallel()
	url, client := serveTrusted(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), func(*tls.Config) {})
	opts := options(url + "/eventhandler")
	opts.Transport = client
	assertUnreachable(t, visit(t, opts), "closed", "the server closes the connection without an answer")
}

// serveTrusted serves HTTP/2, and returns a transport that trusts the certificate.
func serveTrusted(t *testing.T, h http.Handler, change func(*tls.Config)) (url string, client *http.Transport) {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = discardLog()
	server.EnableHTTP2 = true
	server.TLS = new(tls.Config)
	change(server.TLS)
	server.StartTLS()
	t.Cleanup(server.Close)
	client = server.Client().Transport.(*http.Transport)
	return server.URL, client
}

// A firewall is found before the time for an answer ends.
func TestConnectTimeout(t *testing.T) {
	t.Parallel()
	transport, ok := doctor.NewTransport(1).(*http.Transport)
	require.True(t, ok)
	assert.Less(t, transport.TLSHandshakeTimeout, upstream.ValidationTimeout)
}

// Errors that a test cannot provoke on every machine.
func TestCheckNamesTheCauseOfAnError(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for name, tt := range map[string]struct {
		err         error
		cause, text string
	}{
		"no such host":    {dial(&net.DNSError{Err: "no such host", Name: "hub.invalid", IsNotFound: true}), "dns", "the name hub.invalid does not resolve"},
		"no DNS server":   {dial(&net.DNSError{Err: "server misbehaving", Name: "hub.invalid", IsTemporary: true}), "dns-server", "no DNS server answers for the name hub.invalid"},
		"no route":        {dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), "no-route", "no network leads to hub.invalid"},
		"no host":         {dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)), "no-route", "no network leads to hub.invalid"},
		"dial timeout":    {dial(os.ErrDeadlineExceeded), "connect-timeout", "hub.invalid does not answer at all, as behind a firewall"},
		"dial deadline":   {dial(context.DeadlineExceeded), "connect-timeout", "hub.invalid does not answer at all, as behind a firewall"},
		"proxy":           {&net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial(os.NewSyscallError("connect", syscall.ECONNREFUSED))}, "proxy", "the proxy of HTTP_PROXY or HTTPS_PROXY does not answer"},
		"TLS timeout":     {errors.New("net/http: TLS handshake timeout"), "tls", "TLS failed"},
		"other mistake":   {x509.CertificateInvalidError{Reason: x509.NotAuthorizedToSign}, "tls", "TLS failed"},
		"reset":           {&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "closed", "the server closes the connection without an answer: the handler panics, or a proxy or firewall ends it"},
		"HTTP/2's header": {assertHeaderListError{}, "answer-header", "the header of the answer is longer than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := options("https://hub.invalid/eventhandler")
			opts.Transport = transport(func(*http.Request) (*http.Response, error) { return nil, tt.err })
			assertUnreachable(t, visit(t, opts), tt.cause, tt.text)
		})
	}
}

// assertHeaderListError is like the error of HTTP/2 in net/http.
type assertHeaderListError struct{}

func (assertHeaderListError) Error() string { return "http2: response header list too large" }

// An unknown error is named as it is.
func TestCheckOfAnUnknownError(t *testing.T) {
	t.Parallel()
	opts := options("https://hub.invalid/eventhandler")
	opts.Transport = transport(func(*http.Request) (*http.Response, error) { return nil, os.ErrInvalid })
	v := visit(t, opts)
	assert.Nil(t, v.cause)
	assert.Equal(t, []string{"OPTIONS: invalid argument"}, v.results[1].Problems)
	assert.Equal(t, "start the handler, and compare its address with the URL", v.results[1].Remedy())
}
