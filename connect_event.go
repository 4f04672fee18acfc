package webpubsub

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// ConnectEvent asks whether a client may connect (azure.webpubsub.sys.connect).
// The service waits for the answer. Claims come from the client's token, which the
// service has verified; the other fields come from the client.
//
// The event's strings share memory: keeping one of them keeps the whole request,
// tokens included. Use [strings.Clone] to keep one alone.
type ConnectEvent struct {
	Meta
	// Claims (claims) are the claims of the client's access token. They are empty for
	// a client without one.
	Claims Claims
	// Query (query) has the parameters of the client's URL. It may contain the
	// client's access_token.
	Query url.Values
	// Headers (headers) are the headers of the client's handshake, with names as the
	// client spelled them.
	Headers Headers
	// Subprotocols (subprotocols) are the subprotocols that the client offers, in its order.
	Subprotocols []string
	// ClientCertificates (clientCertificates) are the certificates that the client presented.
	ClientCertificates []ClientCertificate
	// MQTTConnect (mqtt) is the CONNECT packet of an MQTT client. It is nil for other
	// clients.
	MQTTConnect *mqtt.Connect
}

// Claims are the claims of an access token. Each claim is a list of values. A claim
// may have both a short and a long name, such as sub and
// http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier.
type Claims map[string][]string

// Get returns the first value of a claim, empty if there is none.
func (c Claims) Get(name string) string { return first(c[name]) }

// Has reports whether a claim has the value.
func (c Claims) Has(name, value string) bool { return slices.Contains(c[name], value) }

// Headers are the HTTP headers of a client's handshake, with names as the client
// spelled them.
type Headers map[string][]string

// Get returns the first value of a header, empty if there is none. It compares the name
// without case.
func (h Headers) Get(name string) string { return first(h.Values(name)) }

// Values returns all values of a header. It compares the name without case. If the
// header has several spellings, their values are in the order of the spellings.
func (h Headers) Values(name string) []string {
	spellings := make([]string, 0, 4) // on the stack
	for k := range h {
		if strings.EqualFold(k, name) {
			spellings = append(spellings, k)
		}
	}
	if len(spellings) == 1 {
		return h[spellings[0]]
	}
	slices.Sort(spellings)
	var all []string
	for _, k := range spellings {
		all = append(all, h[k]...)
	}
	return all
}

// Cookie returns the first cookie of that name in the client's handshake, or
// [http.ErrNoCookie].
//
// A page of any origin can open a WebSocket, and the browser may send the cookie.
// Before trusting it, compare Get("Origin") with the origins of your pages.
func (h Headers) Cookie(name string) (*http.Cookie, error) {
	r := http.Request{Header: http.Header{"Cookie": h.Values("Cookie")}}
	return r.Cookie(name)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// ClientCertificate is a certificate that a client presented in its TLS handshake.
type ClientCertificate struct {
	// Thumbprint (thumbprint) is the hexadecimal SHA-1 digest of the certificate.
	Thumbprint string
	// Content (content) is the certificate in PEM form, empty if the service did not send it.
	Content string
}

// Parse parses the certificate. It does not verify it: call
// [x509.Certificate.Verify] with the authorities you trust before trusting its
// names.
func (c ClientCertificate) Parse() (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(c.Content))
	if block == nil {
		return nil, errors.New("webpubsub: client certificate has no PEM block")
	}
	if block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("webpubsub: client certificate is a PEM block of type %q, want CERTIFICATE", excerpt.Short(block.Type))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("webpubsub: parse client certificate: %w", err)
	}
	return cert, nil
}
