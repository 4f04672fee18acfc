package redis_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/redis"
)

// The user of docs/redis.md may do what the stores do, on their keys, and nothing else.
func TestACL(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "docs", "redis.md"))
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```text\nACL SETUSER ")
	require.True(t, found)
	rule, _, _ := strings.Cut(rest, "```")
	rule = strings.ReplaceAll(rule, "\\\n", "")

	server := startServer(t)
	admin := server.client(t)
	do(t, admin, append([]string{"ACL", "SETUSER"}, strings.Fields(rule)...)...)
	client := newClient(t, "unix://webpubsub:PASSWORD@"+server.socket)
	for name, call := range newStores(t, client).calls() {
		do(t, admin, "SCRIPT", "FLUSH")
		_, err := call(t.Context())
		require.NoError(t, err, name)
	}
	testHistory(t, client)
	require.NoError(t, client.Do(t.Context(), client.B().Ping().Build()).Error())

	other, err := redis.NewDeduplicationStore(redis.Config{Client: client, Prefix: "other", Timeout: time.Minute})
	require.NoError(t, err)
	_, _, err = other.Begin(t.Context(), "k", "a", time.Minute)
	require.Error(t, err)
	for _, command := range [][]string{{"FLUSHALL"}, {"KEYS", "*"}, {"CONFIG", "GET", "*"}, {"GET", "other:event:k"}, {"PUBLISH", "c", "m"}} {
		err := client.Do(t.Context(), client.B().Arbitrary(command...).Build()).Error()
		require.ErrorContains(t, err, "NOPERM", command)
	}
}

// A password that is wrong, or was changed, is an error without the password.
func TestWrongPassword(t *testing.T) {
	t.Parallel()
	server := startServer(t, "--requirepass", "right")
	for _, password := range []string{"", ":s3cr3t@", "ann:s3cr3t@"} {
		_, err := rueidis.NewClient(optionsOf(t, "unix://"+password+server.socket))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "s3cr3t")
	}
	client := newClient(t, "unix://:right@"+server.socket)
	s := storesWith(t, redis.Config{Client: client, Timeout: 100 * time.Millisecond})
	_, err := newStores(t, client).calls()["Begin"](t.Context())
	require.NoError(t, err)
	do(t, client, "CONFIG", "SET", "requirepass", "changed")
	server.kill() // a client that is connected stays so; after this one, none is
	server.args = []string{"--requirepass", "changed"}
	require.NoError(t, server.start())
	for name, call := range s.calls() {
		_, err := call(t.Context())
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "right", name)
	}
}

// A client of a rediss URL checks the certificate of the server.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	roots := certify(t, dir)
	_, port := startOnPort(t, func(port string) []string {
		cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
		return []string{"--tls-port", port, "--tls-auth-clients", "no", "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert}
	})

	opt := optionsOf(t, "rediss://127.0.0.1:"+port)
	_, err := rueidis.NewClient(opt)
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)

	opt.TLSConfig.RootCAs = roots
	client, err := rueidis.NewClient(opt)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	_, err = newStores(t, client).calls()["Begin"](context.Background())
	require.NoError(t, err)
}

// certify writes the certificate of a server on 127.0.0.1.
func certify(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
	return roots
}
