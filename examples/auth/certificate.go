package main

import (
	"crypto/x509"

	"github.com/go-webpubsub/webpubsub"
)

// byCertificate accepts machines with a certificate of our own authority. The service
// has verified that the client has the private key, but not who signed the
// certificate: anybody can make one with any name. It does not check for revoked
// certificates; give certificates a short lifetime instead.
func (d *Door) byCertificate(ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	if d.Authorities == nil || len(ev.ClientCertificates) != 1 {
		return nil, webpubsub.Unauthorized("want one certificate of our authority")
	}
	cert, err := ev.ClientCertificates[0].Parse()
	if err != nil {
		return nil, refuseCertificate(err)
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots:     d.Authorities, // nil would be those of the system, which every web site has
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, refuseCertificate(err)
	}
	// One name, so that the user is unambiguous. The common name of the subject is
	// free text, which authorities do not check.
	if len(cert.DNSNames) != 1 {
		return nil, webpubsub.Forbidden("the certificate must have one DNS name")
	}
	name := cert.DNSNames[0]
	if err := checkClientID(ev, name); err != nil {
		return nil, err
	}
	return &webpubsub.ConnectReply{
		UserID: name,
		Groups: []string{"machines"},
		Roles:  []string{webpubsub.RoleSendToGroup("machine-" + name)},
	}, nil
}

// refuseCertificate returns an error whose cause is in the log and not in the answer.
func refuseCertificate(cause error) error {
	refusal := webpubsub.Unauthorized("the certificate is not valid here")
	refusal.Err = cause
	return refusal
}
