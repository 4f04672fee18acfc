package webpubsub_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestAnyVerifier(t *testing.T) {
	t.Parallel()
	keys, err := webpubsub.NewAccessKeys(wireConnectionString)
	require.NoError(t, err)
	wrong := signed("sha256=00")
	right := func(*http.Request) {}
	for name, tt := range map[string]struct {
		edit  func(*http.Request)
		token error // of the second verifier
		want  int
	}{
		"both accept":          {right, nil, 200},
		"signature alone":      {right, errors.New("token"), 200},
		"token alone":          {wrong, nil, 200},
		"neither":              {wrong, errors.New("token"), 401},
		"chosen status":        {wrong, webpubsub.Unavailable("later"), 503},
		"no need of the other": {right, webpubsub.Unavailable("later"), 200},
		"origin":               {setOrigin("evil.com"), nil, 401},
	} {
		var outcome webpubsub.Outcome
		h := wireHandler(t, webpubsub.Config{
			Verifier: webpubsub.AnyVerifier{keys, verifierFunc(func(*http.Request) error { return tt.token })},
			Fallback: replyText("ok"),
			Observe:  func(_ context.Context, o webpubsub.Outcome) { outcome = o },
		})
		assert.Equal(t, tt.want, wireServe(h, wireRequest(t, "user_text", tt.edit)).StatusCode, name)
		if name == "neither" { // the log has both reasons
			require.ErrorIs(t, outcome.Err, webpubsub.ErrSignature)
			require.ErrorIs(t, outcome.Err, tt.token)
		}
	}
	require.Error(t, webpubsub.AnyVerifier(nil).Verify(wireRequest(t, "user_text")), "fails closed")
}

func TestAnyVerifierConfig(t *testing.T) {
	t.Parallel()
	keys, err := webpubsub.NewAccessKeys(wireConnectionString)
	require.NoError(t, err)
	accepts := verifierFunc(func(*http.Request) error { return nil })
	for name, tt := range map[string]struct {
		verifier webpubsub.Verifier
		origins  []string
		want     string
	}{
		"empty":       {webpubsub.AnyVerifier{}, nil, "Verifier is an AnyVerifier without verifiers, which accepts nothing"},
		"nil":         {webpubsub.AnyVerifier{keys, nil}, nil, "Verifier: AnyVerifier[1] is nil"},
		"nil pointer": {webpubsub.AnyVerifier{(*webpubsub.AccessKeys)(nil)}, nil, "Verifier: AnyVerifier[0] is a nil *webpubsub.AccessKeys"},
		"insecure": {webpubsub.AnyVerifier{keys, webpubsub.InsecureSkipVerify{}}, nil,
			"Verifier: AnyVerifier[1] is InsecureSkipVerify, which accepts every request: use it alone, or remove it"},
		"nested": {webpubsub.AnyVerifier{webpubsub.AnyVerifier{webpubsub.InsecureSkipVerify{}}}, nil,
			"Verifier: AnyVerifier[0] is another AnyVerifier: list its verifiers instead"},
		"pointer": {&webpubsub.AnyVerifier{webpubsub.InsecureSkipVerify{}}, nil,
			"Verifier: AnyVerifier[0] is InsecureSkipVerify, which accepts every request: use it alone, or remove it"},
		"nested pointer": {webpubsub.AnyVerifier{&webpubsub.AnyVerifier{webpubsub.InsecureSkipVerify{}}}, nil,
			"Verifier: AnyVerifier[0] is another AnyVerifier: list its verifiers instead"},
		"no origins": {webpubsub.AnyVerifier{accepts}, nil,
			`AllowedOrigins is required with this Verifier: name the service's hosts, or "*"`},
		"origins of which keys": {webpubsub.AnyVerifier{keys, keys}, nil,
			`AllowedOrigins is required with this Verifier: name the service's hosts, or "*"`},
		"origins":         {webpubsub.AnyVerifier{accepts}, []string{wireOrigin}, ""},
		"origins of keys": {&webpubsub.AnyVerifier{accepts, keys}, nil, ""},
	} {
		_, err := webpubsub.NewHandler(webpubsub.Config{Verifier: tt.verifier, AllowedOrigins: tt.origins})
		if tt.want == "" {
			require.NoError(t, err, name)
		} else {
			require.EqualError(t, err, "webpubsub: config: "+tt.want, name)
		}
	}
}

// The handler has a copy: the caller's slice may change.
func TestAnyVerifierIsCopied(t *testing.T) {
	t.Parallel()
	either := webpubsub.AnyVerifier{verifierFunc(func(*http.Request) error { return errors.New("no") })}
	h := wireHandler(t, webpubsub.Config{Verifier: either, AllowedOrigins: []string{wireOrigin}})
	either[0] = webpubsub.InsecureSkipVerify{}
	assert.Equal(t, http.StatusUnauthorized, wireServe(h, wireRequest(t, "connected")).StatusCode)
}
