package main

import (
	"crypto/x509"

	"github.com/go-webpubsub/webpubsub"
)

// byCertificate lets machines in by a certificate of our own authority. The
// service has checked that the client holds its key, but not who signed it:
// anybody can make a certificate with any name, so it is verified here. Revoked
// certificates are not looked for; short lifetimes take their place.
func (d *Door) byCertificate(ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
	if d.Authorities == nil || len(ev.ClientCertificates) != 1 {
		return nil, webpubsub.Unauthorized("want one certificate of our authority")
	}
	cert, err := ev.ClientCertificates[0].Parse()
	if err != nil {
		return nil, refuseCertificate(err)
	}
	_, err = cert.Verify(x509.VerifyOptions{
		Roots:     d.Authorities, // nil would be the system's: every site on the web
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return nil, refuseCertificate(err)
	}
	// Exactly one name, so that nobody can be two. The subject's common name is
	// free text, which authorities do not constrain.
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

// refuseCertificate tells the log why, and the client only that.
func refuseCertificate(cause error) error {
	refusal := webpubsub.Unauthorized("the certificate is not valid here")
	refusal.Err = cause
	return refusal
}
