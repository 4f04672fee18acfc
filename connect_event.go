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
)

// ConnectEvent asks whether a client may connect (azure.webpubsub.sys.connect).
// The service waits for the answer. Nothing in it has been agreed yet: what the
// client's token said is in Claims, what the client itself said in the rest.
//
// Its strings share memory: keeping one of them keeps all of the request,
// tokens included. [strings.Clone] takes one out.
type ConnectEvent struct {
	Meta
	// Claims (claims) of the client's access token. The service has verified
	// the token; without one, or for an anonymous client, they are empty.
	Claims Claims
	// Query (query) holds the parameters of the client's URL. It may contain
	// the client's access_token.
	Query url.Values
	// Headers (headers) of the client's handshake, names as the client spelled them.
	Headers Headers
	// Subprotocols (subprotocols) that the client offers, in its order.
	Subprotocols []string
	// ClientCertificates (clientCertificates) that the client presented.
	ClientCertificates []ClientCertificate
	// MQTTConnect (mqtt) is what an MQTT client put into its CONNECT packet; nil
	// for other clients.
	MQTTConnect *MQTTConnect
}

// Claims are the claims of an access token. A claim always has a list of
// values; one fact may stand under a short and a long name (sub and
// http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier).
type Claims map[string][]string

// Get returns the first value of a claim, empty if there is none.
func (c Claims) Get(name string) string { return first(c[name]) }

// Has reports whether a claim has the value.
func (c Claims) Has(name, value string) bool { return slices.Contains(c[name], value) }

// Headers are the HTTP headers of a client's handshake, names as the client
// spelled them.
type Headers map[string][]string

// Get returns the first value of a header, its name compared without case; empty
// if there is none.
func (h Headers) Get(name string) string { return first(h.Values(name)) }

// Values returns all values of a header, its name compared without case. Those of
// a name spelled in several ways come in the order of the spellings, so that
// chance does not choose what Get returns.
func (h Headers) Values(name string) []string {
	var spellings []string
	for k := range h {
		if strings.EqualFold(k, name) {
			spellings = append(spellings, k)
		}
	}
	switch len(spellings) {
	case 0:
		return nil
	case 1:
		return h[spellings[0]]
	}
	slices.Sort(spellings)
	var all []string
	for _, k := range spellings {
		all = append(all, h[k]...)
	}
	return all
}

// Cookie returns the cookie of the name that the client's browser sent with its
// handshake, or [http.ErrNoCookie], as [http.Request.Cookie] does. If several
// have the name, it returns the first.
//
// A page of any origin can open a WebSocket, and the browser may add the cookie.
// Before you trust it, compare Get("Origin") with the origins of your pages.
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
	// Content (content) is the certificate in PEM form; empty if not sent.
	Content string
}

// Parse reads the certificate. It makes no statement about who signed it:
// verify the result with [x509.Certificate.Verify] against the authorities you
// trust before you believe its names.
func (c ClientCertificate) Parse() (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(c.Content))
	if block == nil {
		return nil, errors.New("webpubsub: client certificate has no PEM block")
	}
	if block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("webpubsub: client certificate is a PEM block of type %q, want CERTIFICATE", clip(block.Type))
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("webpubsub: parse client certificate: %w", err)
	}
	return cert, nil
}
