package identity

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"sync"
	"time"
)

const (
	// Lifetime of a token.
	Lifetime = time.Hour
	// renewal is the remaining lifetime at which the service requests a new token.
	renewal = 5 * time.Minute
	keyBits = 2048
)

// Issuer makes the tokens of the identity. It is safe for concurrent use. Its private
// keys are made when they are first needed, and are never shown.
type Issuer struct {
	now func() time.Time

	mu     sync.Mutex
	keys   []*signer // the current key, then the previous one
	tokens map[App]issued
}

// issued is a token that is sent until it has to be renewed.
type issued struct {
	text  string
	until time.Time
}

// signer is a signing key.
type signer struct {
	id  string // kid
	key *rsa.PrivateKey
}

// NewIssuer returns an issuer with a clock.
func NewIssuer(now func() time.Time) *Issuer {
	return &Issuer{now: now, tokens: make(map[App]issued)}
}

func newSigner() *signer {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		panic("identity: " + err.Error()) // never fails
	}
	return &signer{id: rand.Text(), key: key}
}

// signers returns the published keys, the current one first.
func (i *Issuer) signers() []*signer {
	if len(i.keys) == 0 {
		i.keys = []*signer{newSigner()}
	}
	return i.keys
}

// Rotate replaces the signing key, and forgets all tokens. The documents keep the
// previous key, as those of Entra do for some time.
func (i *Issuer) Rotate() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []*signer{newSigner(), i.signers()[0]}
	clear(i.tokens)
}

// Token returns a valid token for an app: the same one until five minutes before it
// expires.
func (i *Issuer) Token(app App) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.now()
	if last, found := i.tokens[app]; found && now.Before(last.until) {
		return last.text
	}
	text := i.signers()[0].sign(i.signers()[0].header(), claims(app, now))
	i.tokens[app] = issued{text, now.Add(Lifetime - renewal)}
	return text
}

// Forge returns a token for an app whose header and claims are changed by edit before
// they are signed.
func (i *Issuer) Forge(app App, edit func(header, claims map[string]any)) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := i.signers()[0]
	header, claims := s.header(), claims(app, i.now())
	edit(header, claims)
	return s.sign(header, claims)
}

// PublicKey returns the current key.
func (i *Issuer) PublicKey() *rsa.PublicKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return &i.signers()[0].key.PublicKey
}

// claims returns the claims of a token as Entra writes them for a managed identity.
func claims(app App, now time.Time) map[string]any {
	c := map[string]any{
		"aud": app.Audience(),
		"iat": now.Unix(),
		"nbf": now.Unix(),
		"exp": now.Add(Lifetime).Unix(),
		"oid": ObjectID,
		"sub": ObjectID,
		"tid": TenantID,
		"uti": rand.Text(),
	}
	if app.Version == 2 {
		c["ver"], c["iss"], c["azp"], c["azpacr"] = "2.0", issuerV2, AppID, "2"
	} else {
		c["ver"], c["iss"], c["appid"], c["appidacr"], c["idp"] = "1.0", issuerV1, AppID, "2", issuerV1
	}
	return c
}

func (s *signer) header() map[string]any {
	return map[string]any{"typ": "JWT", "alg": "RS256", "kid": s.id, "x5t": s.id}
}

func (s *signer) sign(header, claims map[string]any) string {
	content := Encode(header) + "." + Encode(claims)
	digest := sha256.Sum256([]byte(content))
	signature, err := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, digest[:])
	if err != nil {
		panic("identity: " + err.Error()) // never fails for such a key
	}
	return content + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// Encode returns a part of a token: the base64url of JSON.
func Encode(part map[string]any) string {
	data, err := json.Marshal(part)
	if err != nil {
		panic("identity: " + err.Error()) // never fails for texts and numbers
	}
	return base64.RawURLEncoding.EncodeToString(data)
}
