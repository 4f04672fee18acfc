package doctor

import (
	"context"
	"crypto/rand"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
)

// Consent asks a handler for its consent to the host of opts.Service, as the service does
// when it saves settings. It needs no access key. It returns the check that failed, with
// its cause, or nil.
func Consent(ctx context.Context, opts Options) (failed *conformance.Result, err error) {
	if opts.Service.AccessKey == "" {
		opts.Service.AccessKey = rand.Text() // no event is signed
	}
	v, err := newVisit(opts)
	if err != nil {
		return nil, err
	}
	return conformance.Consent(v.target(ctx))
}

// Survey asks a handler for its consent and finds out which events it answers, by events
// like those of [Check]. It returns the check that failed and prevented that, or what it
// saw.
func Survey(ctx context.Context, opts Options) (seen []conformance.Sighting, failed *conformance.Result, err error) {
	v, err := newVisit(opts)
	if err != nil {
		return nil, nil, err
	}
	return conformance.Survey(v.target(ctx))
}
