package trigger

import (
	"crypto/sha1" //nolint:gosec // a thumbprint is one by definition, and proves nothing here
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// ClientCertificate returns the first certificate of a PEM file as a connect event has it:
// with the SHA-1 digest in upper case, and the certificate in PEM with CRLF. Other parts of
// the file, such as a private key, are left out.
func ClientCertificate(file []byte) (upstream.ClientCertificate, error) {
	for {
		var block *pem.Block
		if block, file = pem.Decode(file); block == nil {
			return upstream.ClientCertificate{}, errors.New("want a PEM file with a certificate")
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return upstream.ClientCertificate{}, errors.New("the certificate is not valid")
		}
		digest := sha1.Sum(block.Bytes) //nolint:gosec // as above
		content := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})
		return upstream.ClientCertificate{
			Thumbprint: fmt.Sprintf("%X", digest),
			Content:    strings.ReplaceAll(string(content), "\n", "\r\n"),
		}, nil
	}
}
