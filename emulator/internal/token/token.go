// Package token reads and makes the tokens of clients and REST calls: JWTs
// signed with an access key (HS256).
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

// Leeway is how far clocks may differ.
const Leeway = 5 * time.Minute

// ErrInvalid is any token that is not accepted. Why it is not is for the log.
var ErrInvalid = errors.New("token is not valid")

// Keys sign and verify. The first one signs.
type Keys struct {
	keys [][]byte
	now  func() time.Time
}

// NewKeys makes keys of their texts; there must be one at least.
func NewKeys(now func() time.Time, texts ...string) (*Keys, error) {
	if len(texts) == 0 {
		return nil, errors.New("no access key")
	}
	k := &Keys{now: now}
	for _, text := range texts {
		if text == "" {
			return nil, errors.New("an access key is empty")
		}
		k.keys = append(k.keys, []byte(text))
	}
	return k, nil
}

// Claims of a token, each a list of texts in the form in which connect events
// have them.
type Claims map[string][]string

// First gives the first value of a claim.
func (c Claims) First(name string) (string, bool) {
	if v := c[name]; len(v) > 0 {
		return v[0], true
	}
	return "", false
}

// Verify reads a token and accepts it if it was signed with a key, is in its
// time, and was made out to one of the audiences, compared without case.
func (k *Keys) Verify(text string, audiences ...string) (Claims, error) {
	return k.VerifyFor(text, audiences[0], func(given string) bool {
		return slices.ContainsFunc(audiences, func(one string) bool { return strings.EqualFold(given, one) })
	})
}

// VerifyFor is Verify with a function that reports whether an audience will do.
// It is asked about each audience of the token as written and percent-decoded.
// want, an audience that will do, is for the error.
func (k *Keys) VerifyFor(text, want string, will func(audience string) bool) (Claims, error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(),
		jwt.WithLeeway(Leeway),
		jwt.WithTimeFunc(k.now),
		jwt.WithJSONNumber(),
	)
	claims := jwt.MapClaims{}
	if _, err := parser.ParseWithClaims(text, claims, k.keySet); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	given, err := claims.GetAudience()
	if err != nil || !anyAudience(given, will) {
		return nil, fmt.Errorf("%w: it is made out to %.256q, want %q", ErrInvalid, given, want)
	}
	return flatten(claims), nil
}

func (k *Keys) keySet(*jwt.Token) (any, error) {
	var set jwt.VerificationKeySet
	for _, key := range k.keys {
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}

func anyAudience(given []string, will func(string) bool) bool {
	for _, g := range given {
		decoded, err := url.PathUnescape(g)
		if will(g) || err == nil && will(decoded) {
			return true
		}
	}
	return false
}

// flatten makes a list of texts of every claim. Claims that are neither texts,
// numbers, booleans nor lists of them are left out.
func flatten(claims jwt.MapClaims) Claims {
	out := make(Claims, len(claims))
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

// Make signs a token for an audience.
func (k *Keys) Make(audience string, lifetime time.Duration, userID string, roles, groups []string) (string, error) {
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
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(k.keys[0])
}

// Bearer gives the token of an Authorization header, empty if there is none.
func Bearer(header http.Header) string {
	scheme, text, ok := strings.Cut(header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(text)
}
