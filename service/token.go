package service

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"hash"
	"strconv"
	"sync"
	"time"
)

// requestSeconds are how long a token that authorises one try of one request is
// good for.
const requestSeconds = 5 * 60

const bearerPrefix = "Bearer "

// claims of the tokens that are signed here. There is no nbf: a clock that is
// slow must not make a token invalid.
type claims struct {
	Audience string   `json:"aud"`
	IssuedAt int64    `json:"iat"`
	Expires  int64    `json:"exp"`
	Subject  string   `json:"sub,omitempty"`
	Roles    []string `json:"role,omitempty"`
	Groups   []string `json:"webpubsub.group,omitempty"`
}

// sign gives the token of claims.
func (k *AccessKey) sign(c *claims) string {
	payload, _ := json.Marshal(c) // texts and numbers are always JSON
	return k.current.Load().sign("", payload)
}

// authorize gives the Authorization header for one try of a request. It is sign
// for the three claims that such a token has, without reflection, which takes as
// long as the signature.
func (k *AccessKey) authorize(target string, now time.Time) string {
	b := make([]byte, 0, 512)
	b = appendJSONText(append(b, `{"aud":`...), target)
	b = strconv.AppendInt(append(b, `,"iat":`...), now.Unix(), 10)
	b = strconv.AppendInt(append(b, `,"exp":`...), now.Unix()+requestSeconds, 10)
	return k.current.Load().sign(bearerPrefix, append(b, '}'))
}

// appendJSONText writes a text in quotes. A URL stands there as it is, unless a
// policy of the caller's has made it up.
func appendJSONText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a text is always JSON
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// secret is the bytes of a key, as states of a hash that is keyed with them: to
// key one takes as long as to hash a small token.
type secret struct{ states sync.Pool }

// state is what one token after another is made with.
type state struct {
	mac   hash.Hash
	sum   [sha256.Size]byte
	token []byte
}

func newSecret(key string) *secret {
	return &secret{sync.Pool{New: func() any { return &state{mac: hmac.New(sha256.New, []byte(key))} }}}
}

// tokenHeader is {"alg":"HS256","typ":"JWT"}, as each token begins.
const tokenHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." //nolint:gosec // no secret

// sign gives the JWT of a payload, behind a prefix.
func (s *secret) sign(prefix string, payload []byte) string {
	st, _ := s.states.Get().(*state)
	defer s.states.Put(st)
	b := append(append(st.token[:0], prefix...), tokenHeader...)
	b = base64.RawURLEncoding.AppendEncode(b, payload)
	st.mac.Reset()
	st.mac.Write(b[len(prefix):])
	b = base64.RawURLEncoding.AppendEncode(append(b, '.'), st.mac.Sum(st.sum[:0]))
	st.token = b
	return string(b)
}
