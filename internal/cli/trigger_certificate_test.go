package cli_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // a thumbprint is one by definition
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// certificateOf returns a PEM file with a key and a certificate, and the bytes of the
// certificate.
func certificateOf(t *testing.T, name string) (file string, der []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err = x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), der
}

// TestTriggerCertificate checks what a handler gets of the certificates of a client.
func TestTriggerCertificate(t *testing.T) {
	t.Parallel()
	first, firstDER := certificateOf(t, "ann")
	second, secondDER := certificateOf(t, "device")
	var got []webpubsub.ClientCertificate
	url := handlerAt(t, handlerWith(t, func(cfg *webpubsub.Config) {
		cfg.ConnectionStrings = []string{"Endpoint=http://localhost;AccessKey=" + emulator.DefaultAccessKey}
		cfg.OnConnect = func(_ context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
			got = ev.ClientCertificates
			return nil, nil
		}
	}))
	var stdout, stderr strings.Builder
	code := cli.Main([]string{"trigger", "connect", url, "--client-certificate", write(t, first), "--client-certificate", "-"}, environment(nil), strings.NewReader(second), &stdout, &stderr)
	require.Zero(t, code, stdout.String()+stderr.String())
	require.Len(t, got, 2)
	for i, der := range [][]byte{firstDER, secondDER} {
		digest := sha1.Sum(der) //nolint:gosec // as above
		assert.Equal(t, strings.ToUpper(hex.EncodeToString(digest[:])), got[i].Thumbprint)
		assert.True(t, strings.HasPrefix(got[i].Content, "-----BEGIN CERTIFICATE-----\r\n"), got[i].Content)
		block, rest := pem.Decode([]byte(got[i].Content))
		require.NotNil(t, block)
		assert.Equal(t, der, block.Bytes)
		assert.Empty(t, strings.TrimSpace(string(rest)), "no key")
	}
}

func TestTriggerCertificateMistakes(t *testing.T) {
	t.Parallel()
	file, _ := certificateOf(t, "ann")
	key, _, _ := strings.Cut(file, "-----BEGIN CERTIFICATE")
	invalid := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("none")}))
	const help = "\nRun 'webpubsub trigger --help' for usage.\n"
	send := func(kind string) []string {
		return []string{"trigger", kind, "http://h.test/", "--client-certificate", "-"}
	}
	checkRuns(t, cli.Main, []programRun{
		{name: "no PEM", args: send("connect"), stdin: "a", code: 2, stderr: "webpubsub: --client-certificate \"-\": want a PEM file with a certificate" + help},
		{name: "only a key", args: send("connect"), stdin: key, code: 2, stderr: "webpubsub: --client-certificate \"-\": want a PEM file with a certificate" + help},
		{name: "invalid", args: send("connect"), stdin: invalid, code: 2, stderr: "webpubsub: --client-certificate \"-\": the certificate is not valid" + help},
		{name: "too long", args: send("connect"), stdin: strings.Repeat("a", 64<<10+1), code: 2, stderr: "webpubsub: --client-certificate: longer than 65536 bytes" + help},
		{name: "another event", args: send("connected"), code: 2, stderr: "webpubsub: --client-certificate: connected has none, only connect" + help},
	})
}
