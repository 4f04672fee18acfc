package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// maxToken is the number of bytes of the longest token that is looked into.
const maxToken = 64 << 10

// decodedToken is what is in a token, without its signature.
type decodedToken struct {
	Verified bool           `json:"verified"` // always false
	Header   map[string]any `json:"header"`
	Claims   map[string]any `json:"claims"`
	Expires  *time.Time     `json:"expires"`
	Expired  bool           `json:"expired"`
}

// decodeToken looks into a token without verifying it. Its errors do not quote the token.
func decodeToken(text string) (*decodedToken, error) {
	claims := jwt.MapClaims{}
	t, _, err := jwt.NewParser(jwt.WithJSONNumber()).ParseUnverified(text, claims)
	if err != nil && !errors.Is(err, jwt.ErrTokenUnverifiable) { // an unknown algorithm is no obstacle here
		return nil, errors.New("not a token, want a JWT: three parts in base64url, separated by dots")
	}
	out := &decodedToken{Header: t.Header, Claims: claims}
	if expires, ok := seconds(claims["exp"]); ok {
		out.Expires = &expires
	}
	return out, nil
}

// seconds returns the time of a claim in seconds. Years beyond 9999, which cannot be
// written in RFC 3339, are none.
func seconds(claim any) (time.Time, bool) {
	n, ok := claim.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := n.Float64()
	if err != nil || math.Abs(f) > 253402300799 {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0).UTC(), true
}

// expiry returns when the token expires, in words and as a time.
func (t *decodedToken) expiry(now time.Time) string {
	if t.Expires == nil {
		return "never, which the service refuses: the claim exp is missing or no time"
	}
	at := t.Expires.Format(time.RFC3339)
	if left := t.Expires.Sub(now); left > 0 {
		return fmt.Sprintf("in %s, at %s", inWords(left), at)
	}
	return fmt.Sprintf("expired %s ago, at %s", inWords(now.Sub(*t.Expires)), at)
}

// inWords returns a duration in one unit, rounded down.
func inWords(d time.Duration) string {
	d = d.Round(time.Second)
	n, unit := int64(d/time.Second), "second"
	switch {
	case d >= 48*time.Hour:
		n, unit = int64(d/(24*time.Hour)), "day"
	case d >= 2*time.Hour:
		n, unit = int64(d/time.Hour), "hour"
	case d >= 2*time.Minute:
		n, unit = int64(d/time.Minute), "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// indented returns a value as JSON for people.
func indented(v any) string {
	var b bytes.Buffer
	e := jsonLines(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(b.Bytes()))
}
