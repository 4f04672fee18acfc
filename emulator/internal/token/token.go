// Package token signs and verifies the tokens of clients and REST calls: JWTs signed
// with an access key (HS256).
package token

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Leeway is the accepted difference between clocks.
const Leeway = 5 * time.Minute

// ErrInvalid matches the errors of [Keys.Verify]. Their texts are for the log only.
var ErrInvalid = errors.New("invalid token")

// Keys signs tokens with the first access key and verifies them with any.
type Keys struct {
	keys jwt.VerificationKeySet
	now  func() time.Time
}

// NewKeys returns Keys of one or more access keys, none of which may be empty.
func NewKeys(now func() time.Time, texts ...string) *Keys {
	k := &Keys{now: now}
	for _, text := range texts {
		k.keys.Keys = append(k.keys.Keys, []byte(text))
	}
	return k
}

// Verify returns the claims of a token as connect events have them: each is a list of
// texts. It returns an error unless the token is signed with one of the keys, has not
// expired, and has one of the audiences, compared without case.
func (k *Keys) Verify(text string, audiences ...string) (map[string][]string, error) {
	return k.VerifyFor(text, audiences[0], func(given string) bool {
		return slices.ContainsFunc(audiences, func(one string) bool { return strings.EqualFold(given, one) })
	})
}

// VerifyFor is like Verify, but calls accepts with each audience of the token, as
// written and percent-decoded. The error names want, an accepted audience.
func (k *Keys) VerifyFor(text, want string, accepts func(audience string) bool) (map[string][]string, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(Leeway),
		jwt.WithTimeFunc(k.now),
		jwt.WithJSONNumber(),
	)
	claims := jwt.MapClaims{}
	if _, err := parser.ParseWithClaims(text, claims, func(*jwt.Token) (any, error) { return k.keys, nil }); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	given, err := claims.GetAudience()
	if err != nil || !anyAudience(given, accepts) {
		return nil, fmt.Errorf("%w: audience %.256q, want %q", ErrInvalid, given, want)
	}
	return flatten(claims), nil
}

func anyAudience(given []string, accepts func(string) bool) bool {
	for _, g := range given {
		decoded, err := url.PathUnescape(g)
		if accepts(g) || err == nil && accepts(decoded) {
			return true
		}
	}
	return false
}

// flatten converts each claim to a list of texts. It drops claims that are not texts,
// numbers, booleans or lists of them.
func flatten(claims jwt.MapClaims) map[string][]string {
	out := make(map[string][]string, len(claims))
	for name, v := range claims {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, one := range list {
			switch one := one.(type) {
			case string:
				out[name] = append(out[name], one)
			case fmt.Stringer: // json.Number
				out[name] = append(out[name], one.String())
			case bool:
				out[name] = append(out[name], fmt.Sprint(one))
			}
		}
	}
	return out
}

// Make returns a signed token for an audience.
func (k *Keys) Make(audience string, lifetime time.Duration, userID string, roles, groups []string) string {
	now := k.now()
	claims := jwt.MapClaims{
		"aud": audience,
		"iat": now.Unix(),
		"nbf": now.Unix(),
		"exp": now.Add(lifetime).Unix(),
	}
	if userID != "" {
		claims["sub"] = userID
	}
	if len(roles) > 0 {
		claims["role"] = roles
	}
	if len(groups) > 0 {
		claims["webpubsub.group"] = groups
	}
	text, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(k.keys.Keys[0]) // never fails: HS256 with bytes
	return text
}

// Bearer returns the token of the Authorization header, or "".
func Bearer(header http.Header) string {
	scheme, text, ok := strings.Cut(header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(text)
}
