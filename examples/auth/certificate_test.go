package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	auth "github.com/go-webpubsub/webpubsub/examples/auth"
)

// authority signs certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{key: key, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "Acme devices"},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &key.PublicKey, key)
	require.NoError(t, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return a
}

// issue returns a client certificate in PEM, modified by change.
func (a *authority) issue(t *testing.T, change func(*x509.Certificate)) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "root"}, // must not count
		DNSNames:     []string{"device-7"},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	change(cert)
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// withCertificates returns a client with certificates and a claim, which is ignored.
func withCertificates(contents ...string) client {
	certs := []object{}
	for _, c := range contents {
		certs = append(certs, object{"thumbprint": "E11DF5074E976A9A37978C4CBE0A415C24785351", "content": c})
	}
	return client{body: object{
		"clientCertificates": certs,
		"claims":             object{"sub": []string{"ada"}, "role": []string{"admin"}},
	}}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	good := ours.issue(t, func(*x509.Certificate) {})
	h := newHandler(t, &auth.Door{Authorities: ours.pool()})

	w := connect(t, h, withCertificates(good))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	assert.Equal(t, object{
		"userId": "device-7", "groups": []any{"machines"}, "roles": []any{"webpubsub.sendToGroup.machine-device-7"},
	}, decode(t, w))

	const invalid = "the certificate is not valid here"
	for _, tc := range []struct {
		name   string
		certs  []string
		status int
		reason string
	}{
		{"of another authority with the same name", []string{newAuthority(t).issue(t, func(*x509.Certificate) {})}, http.StatusUnauthorized, invalid},
		{"expired", []string{ours.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })}, http.StatusUnauthorized, invalid},
		{"for servers", []string{ours.issue(t, func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})}, http.StatusUnauthorized, invalid},
		{"no PEM", []string{"certificate"}, http.StatusUnauthorized, invalid},
		{"thumbprint only", []string{""}, http.StatusUnauthorized, invalid},
		{"two", []string{good, good}, http.StatusUnauthorized, "want one certificate of our authority"},
		{"no name", []string{ours.issue(t, func(c *x509.Certificate) { c.DNSNames = nil })}, http.StatusForbidden, "the certificate must have one DNS name"},
		{"two names", []string{ours.issue(t, func(c *x509.Certificate) { c.DNSNames = []string{"device-7", "device-8"} })}, http.StatusForbidden, "the certificate must have one DNS name"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := connect(t, h, withCertificates(tc.certs...))
			assert.Equal(t, tc.status, w.Code)
			assert.Equal(t, tc.reason, w.Body.String())
		})
	}
	t.Run("no authority is trusted", func(t *testing.T) {
		t.Parallel()
		w := connect(t, newHandler(t, new(auth.Door)), withCertificates(good))
		assert.Equal(t, http.StatusUnauthorized, w.Code)
	})
	t.Run("MQTT client under another's id", func(t *testing.T) {
		t.Parallel()
		c := device("device-1", 5, "", nil)
		c.body["clientCertificates"] = withCertificates(good).body["clientCertificates"]
		w := connect(t, h, c)
		assert.Equal(t, http.StatusBadRequest, w.Code)
		assert.Equal(t, object{"mqtt": object{"code": 133.0, "reason": "the client id must be the user's name"}}, decode(t, w))
		c.id = "device-7"
		assert.Equal(t, http.StatusOK, connect(t, h, c).Code)
	})
}
