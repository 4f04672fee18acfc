package entra

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxHeader is the length of the longest Authorization header that is read.
const maxHeader = 16 << 10

// Verifier checks the token of a request. It is a [webpubsub.Verifier] and safe for
// concurrent use. It starts no goroutines: a request that needs new keys fetches them,
// for up to ten seconds even if its context ends.
type Verifier struct {
	cfg    Config
	parser *jwt.Parser
	v1, v2 *keyCache

	accepted acceptedTokens
}

// NewVerifier returns a verifier for a configuration, or an error that names the invalid
// field. It does not use the network.
func NewVerifier(cfg Config) (*Verifier, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("entra: config: %w", err)
	}
	authority, err := cfg.authority()
	if err != nil {
		return nil, fmt.Errorf("entra: config: %w", err)
	}
	client := newClient(cfg.Transport, authority)
	return &Verifier{
		cfg: cfg,
		parser: jwt.NewParser(
			jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}),
			jwt.WithStrictDecoding(),
			jwt.WithoutClaimsValidation(), // check does it
		),
		v1: &keyCache{source: newSource(client, authority, &cfg, "")},
		v2: &keyCache{source: newSource(client, authority, &cfg, "/v2.0")},
	}, nil
}

// Verify returns nil if the request has a valid token of a configured caller. It
// returns an [*Error] if a rule is broken. If the tenant's keys cannot be fetched, it
// returns an error with status 503 that wraps [ErrKeysUnavailable]. The zero Verifier
// accepts nothing.
func (v *Verifier) Verify(r *http.Request) error {
	if v.parser == nil {
		return errors.New("entra: the verifier was not made by NewVerifier")
	}
	text, err := bearer(r.Header[wire.HeaderAuthorization])
	if err != nil {
		return err
	}
	now := time.Now()
	digest := sha256.Sum256([]byte(text))
	if v.accepted.has(digest, v.cfg.Leeway, now) {
		return nil
	}
	valid, err := v.verify(r.Context(), text)
	if err != nil {
		return err
	}
	v.accepted.add(digest, valid)
	return nil
}

// verify verifies a token that is new here.
func (v *Verifier) verify(ctx context.Context, text string) (acceptedToken, error) {
	all := jwt.MapClaims{}
	var valid acceptedToken
	token, err := v.parser.ParseWithClaims(text, all, func(token *jwt.Token) (key any, err error) {
		if valid.cache, err = v.cacheOf(all["ver"]); err != nil {
			return nil, err
		}
		kid, err := keyID(token.Header)
		if err != nil {
			return nil, err
		}
		valid.keys, key, err = valid.cache.find(ctx, kid)
		return key, err
	})
	if err != nil {
		return acceptedToken{}, brokenRule(token, err)
	}
	if valid.claims, err = read(all); err != nil {
		return acceptedToken{}, err
	}
	return valid, valid.claims.check(&v.cfg, valid.keys.issuer, time.Now())
}

// bearer returns the token in the lines of the Authorization header.
func bearer(lines []string) (string, error) {
	switch {
	case len(lines) == 0:
		return "", &Error{RuleHeader, "missing; set the auth type of the event handler in Azure to ManagedIdentity"}
	case len(lines) > 1:
		return "", &Error{RuleHeader, fmt.Sprintf("%d lines, want one", len(lines))}
	case len(lines[0]) > maxHeader:
		return "", &Error{RuleHeader, fmt.Sprintf("%d bytes, want at most %d", len(lines[0]), maxHeader)}
	}
	scheme, token, found := strings.Cut(lines[0], " ")
	token = strings.Trim(token, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer"):
		if !found { // the text may be the token
			return "", &Error{RuleHeader, "no scheme, want Bearer"}
		}
		return "", &Error{RuleHeader, fmt.Sprintf("scheme %q, want Bearer", excerpt.Cut(scheme, 16))}
	case token == "":
		return "", &Error{RuleHeader, "no token after the scheme"}
	}
	return token, nil
}

// cacheOf returns the keys of a version. The claim is not verified yet: it only selects
// the keys that must have made the signature.
func (v *Verifier) cacheOf(version any) (*keyCache, error) {
	switch version {
	case version1:
		return v.v1, nil
	case version2:
		return v.v2, nil
	}
	text, _ := version.(string)
	return nil, &Error{RuleVersion, fmt.Sprintf("ver is %q, want %s or %s", excerpt.Short(text), version1, version2)}
}

// keyID returns the key id of a token's header.
func keyID(header map[string]any) (string, error) {
	if _, found := header["crit"]; found { // what it lists must not be ignored (RFC 7515, 4.1.11)
		return "", &Error{RuleFormat, "the header has extensions (crit), and none are supported"}
	}
	kid, _ := header["kid"].(string)
	if kid == "" {
		return "", &Error{RuleKey, "the header has no key id (kid)"}
	}
	return kid, nil
}

// brokenRule returns the error of a token that the parser has refused.
func brokenRule(token *jwt.Token, err error) error {
	var broken *Error
	var unavailable *unavailableError
	switch {
	case errors.As(err, &broken):
		return broken
	case errors.As(err, &unavailable):
		return unavailable.refusal()
	case token != nil && token.Method != nil && token.Method != jwt.SigningMethodRS256:
		return &Error{RuleAlgorithm, fmt.Sprintf("alg is %q, want %s", token.Method.Alg(), jwt.SigningMethodRS256.Alg())}
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return &Error{RuleSignature, "it was not made by the key with the token's key id (kid)"}
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return &Error{RuleAlgorithm, "alg is missing or unknown, want " + jwt.SigningMethodRS256.Alg()}
	}
	return &Error{RuleFormat, "not a JWT of Entra: " + excerpt.Short(err.Error())}
}
