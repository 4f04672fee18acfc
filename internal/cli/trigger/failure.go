package trigger

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// Cancelled is the kind of failure of an event that was given up before its answer.
const Cancelled = "cancelled"

// failureOf returns the kind of an error of a delivery. There are few kinds, so that
// failures can be counted by them.
func failureOf(err error) string {
	var (
		dns         *net.DNSError
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		record      tls.RecordHeaderError
		deadline    interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, upstream.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.Is(err, upstream.ErrAnswerTooLarge):
		return "answer too large"
	case errors.As(err, &dns):
		return "host name does not resolve"
	case errors.As(err, &certificate), errors.As(err, &authority):
		return "certificate not trusted"
	case errors.As(err, &record):
		return "no TLS at this port"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed by the handler"
	case errors.As(err, &deadline) && deadline.Timeout():
		return "no answer in time"
	}
	return "not delivered"
}
