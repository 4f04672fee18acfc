package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
)

// explain adds the cause to an error of a request without an answer, if it is known.
func explain(u *url.URL, err error) error {
	cause := CauseOf(u, err)
	if cause == nil {
		return err
	}
	return &conformance.UnreachableError{Cause: *cause, Err: err}
}

// CauseOf returns the likely cause of an error of a request without an answer; nil if it
// is not known.
func CauseOf(u *url.URL, err error) *conformance.Cause {
	// It may be like an error of the handler's own host.
	if proxy := (*net.OpError)(nil); errors.As(err, &proxy) && proxy.Op == "proxyconnect" {
		return &conformance.Cause{
			ID:     "proxy",
			Text:   "the proxy of HTTP_PROXY or HTTPS_PROXY does not answer",
			Remedy: "correct these variables, or add the handler's host to NO_PROXY",
		}
	}
	if cause := tlsCause(u, err); cause != nil {
		return cause
	}
	return networkCause(u, err)
}

// tlsCause returns the cause of an error of TLS.
func tlsCause(u *url.URL, err error) *conformance.Cause {
	var (
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
		issuer  x509.UnknownAuthorityError
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return &conformance.Cause{
			ID:     "tls-expired",
			Text:   fmt.Sprintf("the certificate of %s has expired, or is not valid yet", u.Hostname()),
			Remedy: "renew the certificate, and check the clocks of both machines",
		}
	case errors.As(err, &host):
		return &conformance.Cause{
			ID:     "tls-host",
			Text:   fmt.Sprintf("the certificate is not for the host %s", u.Hostname()),
			Remedy: "use a host of the certificate in the URL, or a certificate for this host",
		}
	case errors.As(err, &issuer):
		return &conformance.Cause{
			ID:     "tls-issuer",
			Text:   "the issuer of the certificate is unknown: it is self-signed, or an intermediate certificate is missing",
			Remedy: "use a certificate of a public authority, and let the server send the whole chain; for development, use http on this machine or a tunnel",
		}
	case errors.As(err, &record):
		return &conformance.Cause{
			ID:     "tls-plain",
			Text:   "the server does not speak TLS at this port, and the URL is https",
			Remedy: "use the port for https, or an http URL with the emulator",
		}
	// The types of alerts over TCP and of the timeout are not exported.
	case errors.As(err, &invalid), strings.Contains(err.Error(), "tls: "), strings.Contains(err.Error(), "TLS handshake timeout"):
		return &conformance.Cause{
			ID:     "tls",
			Text:   "TLS failed",
			Remedy: "the server must support TLS 1.2 or 1.3, and must not require a certificate of the client",
		}
	}
	return nil
}

// networkCause returns the cause of an error of DNS, TCP or HTTP.
func networkCause(u *url.URL, err error) *conformance.Cause {
	var lookup *net.DNSError
	var dial *net.OpError
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return &conformance.Cause{
			ID:     "dns",
			Text:   fmt.Sprintf("the name %s does not resolve", u.Hostname()),
			Remedy: "check the spelling of the host, and whether it has a public DNS record",
		}
	case errors.As(err, &lookup):
		return &conformance.Cause{
			ID:     "dns-server",
			Text:   fmt.Sprintf("no DNS server answers for the name %s", u.Hostname()),
			Remedy: "check this machine's network, and the DNS servers of the domain",
		}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &conformance.Cause{
			ID:     "refused",
			Text:   fmt.Sprintf("nothing listens at %s", u.Host),
			Remedy: "start the handler, and compare its address and port with the URL; in a container, listen on 0.0.0.0 and publish the port",
		}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return &conformance.Cause{
			ID:     "no-route",
			Text:   fmt.Sprintf("no network leads to %s", u.Host),
			Remedy: "use a public address; for a handler on your machine, use a tunnel or the emulator",
		}
	case errors.As(err, &dial) && dial.Op == "dial" && (dial.Timeout() || errors.Is(err, context.DeadlineExceeded)):
		return &conformance.Cause{
			ID:     "connect-timeout",
			Text:   fmt.Sprintf("%s does not answer at all, as behind a firewall", u.Host),
			Remedy: "let the service reach the port; for a handler on your machine, use a tunnel or the emulator",
		}
	case strings.Contains(err.Error(), "response headers exceeded"), strings.Contains(err.Error(), "header list too large"):
		return &conformance.Cause{
			ID:     "answer-header",
			Text:   fmt.Sprintf("the header of the answer is longer than %d bytes", maxAnswerHeader),
			Remedy: "send less in headers: connection state, metadata and cookies",
		}
	case strings.Contains(err.Error(), "malformed HTTP"), strings.Contains(err.Error(), "malformed MIME header"):
		return &conformance.Cause{
			ID:     "not-http",
			Text:   fmt.Sprintf("the answer of %s is not valid HTTP", u.Host),
			Remedy: "compare the port with that of the handler, which may be an https port; if it is right, the handler writes an invalid header",
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE),
		strings.HasPrefix(err.Error(), "stream error: "): // of HTTP/2
		return &conformance.Cause{
			ID:     "closed",
			Text:   "the server closes the connection without an answer: the handler panics, or a proxy or firewall ends it",
			Remedy: "look into the logs of the handler and of the proxy",
		}
	}
	return nil
}
