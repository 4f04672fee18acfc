package conformance

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/identity"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Identity is the managed identity whose tokens the handler verifies.
type Identity struct {
	Issuer *identity.Issuer
	App    identity.App
}

// proof is what a handler requires of a request. With neither it may accept either.
type proof struct{ signature, token bool }

// proofOf finds out what the handler requires. Without an identity, it is the signature.
func proofOf(target Target) (proof, error) {
	if target.Identity == nil {
		return proof{signature: true}, nil
	}
	p := &probe{run: &run{target: target}}
	wrong := resigned(p.event(connected()), func(id string) []string { return []string{webpubsub.Sign(wrongKey, id)} })
	none := edit(p.event(connected()), func(h http.Header) { h.Del(wire.HeaderAuthorization) })
	refuses := func(req *http.Request) bool {
		answer := p.ask(req)
		return answer != nil && !answer.ok()
	}
	return proof{signature: refuses(wrong), token: refuses(none)}, p.err
}

// withoutToken removes the token, which alone may be proof enough for this handler.
func (p *probe) withoutToken(req *http.Request) *http.Request {
	if p.proof.signature {
		return req
	}
	return edit(req, func(h http.Header) { h.Del(wire.HeaderAuthorization) })
}

// withToken replaces the lines of the Authorization header, and removes the signature if
// that alone may be proof enough for this handler.
func (p *probe) withToken(req *http.Request, lines ...string) *http.Request {
	return edit(req, func(h http.Header) {
		h[wire.HeaderAuthorization] = lines
		if lines == nil {
			h.Del(wire.HeaderAuthorization)
		}
		if !p.proof.signature && !p.proof.token {
			h.Del(wire.HeaderSignature)
		}
	})
}

// tokenChecks are about the tokens of managed identities.
func tokenChecks() []Check {
	checks := []Check{
		{
			ID:      "token-scheme",
			Rule:    "the scheme of the Authorization header is compared without case",
			Reason:  "schemes are not case-sensitive, and proxies rewrite headers",
			Remedy:  "compare the scheme without case",
			Warning: true,
			run: func(p *probe) {
				token := p.target.Identity.Issuer.Token(p.target.Identity.App)
				p.accepted("event with bearer in lower case", p.withToken(p.event(connected()), "bearer "+token))
			},
		},
		{
			ID:     "token-missing",
			Rule:   "an event without a token, or with several, is refused",
			Reason: "anyone could leave the token out, and a proxy and the handler could look at different ones",
			Remedy: "refuse a request unless it has one Authorization header, with one token",
			run: func(p *probe) {
				token := "Bearer " + p.target.Identity.Issuer.Token(p.target.Identity.App)
				p.untrusted("no token")
				p.untrusted("an empty header", "")
				p.untrusted("a scheme alone", "Bearer")
				p.untrusted("another scheme", strings.Replace(token, "Bearer", "Basic", 1))
				p.untrusted("two tokens", token, token)
			},
		},
		{
			ID:     "token-forged",
			Rule:   "an event is refused unless a key of the tenant has signed its token, with RS256",
			Reason: "anyone can write the claims of a token, and choose the algorithm in its header",
			Remedy: "verify the token with a library for JWT and the tenant's published keys, and allow RS256 only",
			run:    checkForged,
		},
		{
			ID:     "token-before-body",
			Rule:   "the body is not read before the token is verified",
			Reason: "anyone could make the handler read and decode arbitrary bodies",
			Remedy: "verify the header first",
			except: withoutReads,
			run: func(p *probe) {
				answer := p.send("connect event with a forged token", p.withToken(p.event(p.connect()), "Bearer x.y.z"))
				if answer != nil && answer.BodyRead > 0 {
					p.failf("connect event with a forged token: %d bytes of its body were read", answer.BodyRead)
				}
			},
		},
	}
	return append(checks, claimChecks()...)
}

// untrusted sends events with lines of the Authorization header that prove nothing.
func (p *probe) untrusted(what string, lines ...string) {
	p.refused("connected event with "+what, p.withToken(p.event(connected()), lines...))
	p.refused("connect event with "+what, p.withToken(p.event(p.connect()), lines...))
}

func checkForged(p *probe) {
	id := p.target.Identity
	parts := strings.Split(id.Issuer.Token(id.App), ".")
	var header map[string]any
	id.Issuer.Forge(id.App, func(h, _ map[string]any) { header = h })
	with := func(name string, v any) map[string]any {
		changed := map[string]any{"alg": header["alg"], "kid": header["kid"]}
		changed[name] = v
		return changed
	}
	stranger := identity.NewIssuer(time.Now).Forge(id.App, func(h, _ map[string]any) { h["kid"] = header["kid"] })
	p.untrusted("a token that another key has signed", "Bearer "+stranger)
	p.untrusted("a token without a signature", "Bearer "+parts[0]+"."+parts[1]+".")
	p.untrusted("a token with alg none", "Bearer "+identity.Encode(with("alg", "none"))+"."+parts[1]+".")
	p.untrusted("the signature of another token", "Bearer "+parts[0]+"."+identity.Encode(map[string]any{"ver": "1.0"})+"."+parts[2])
	p.untrusted("a token with an unknown key id", "Bearer "+identity.Encode(with("kid", "unknown"))+"."+parts[1]+"."+parts[2])
	der, _ := x509.MarshalPKIXPublicKey(id.Issuer.PublicKey()) // an RSA key always encodes
	content := identity.Encode(with("alg", "HS256")) + "." + parts[1]
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte(content))
	p.untrusted("a token whose HS256 secret is the public key", "Bearer "+content+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

// claimChecks try tokens with a valid signature and wrong claims.
func claimChecks() []Check {
	var checks []Check
	for _, c := range []struct {
		id, rule, reason, remedy string
		claims                   map[string]map[string]any // by what they are
	}{
		{
			"token-issuer", "a token is refused unless the tenant has issued it: iss is that of the token's version, and tid the tenant's id",
			"every tenant of the cloud issues tokens, also an attacker's",
			"compare iss and tid with your tenant's",
			map[string]map[string]any{
				"a token of another tenant": {"iss": "https://sts.emulator.invalid/" + otherID + "/", "tid": otherID},
				"another tenant's id (tid)": {"tid": otherID},
				"another issuer (iss)":      {"iss": "https://sts.evil.test/" + identity.TenantID + "/"},
			},
		},
		{
			"token-audience", "a token for another audience is refused",
			"the holder of a token for another application could send events",
			"compare aud with the resource in the hub's settings",
			map[string]map[string]any{
				"a token for another application": {"aud": "api://" + otherID},
				"a token for Microsoft Graph":     {"aud": "https://graph.microsoft.com"},
				"a token without audience":        {"aud": nil},
			},
		},
		{
			"token-time", "a token is refused after it expires, and before it is valid",
			"a token that has leaked would be valid forever",
			"require exp, and compare exp and nbf with the time",
			map[string]map[string]any{
				"an expired token":                {"nbf": 1, "exp": 2},
				"a token that is not valid yet":   {"nbf": farFuture - 1, "exp": farFuture},
				"a token that never expires":      {"exp": nil},
				"a token that expires by a text":  {"exp": "never"},
				"a token from the future, no end": {"nbf": farFuture, "exp": nil},
			},
		},
		{
			"token-caller", "a token of another identity of the tenant is refused",
			"any application of the tenant can request tokens for the handler",
			"compare oid with the object id of the service's identity",
			map[string]map[string]any{
				"a token of another identity": {"oid": otherID, "sub": otherID, "appid": otherID, "azp": otherID},
			},
		},
	} {
		checks = append(checks, Check{ID: c.id, Rule: c.rule, Reason: c.reason, Remedy: c.remedy, run: func(p *probe) {
			for _, what := range slices.Sorted(maps.Keys(c.claims)) {
				p.untrusted(what, "Bearer "+p.target.Identity.forge(c.claims[what]))
			}
		}})
	}
	return checks
}

const (
	otherID   = "0bad0bad-0000-4000-8000-0bad0bad0bad"
	farFuture = int64(99_999_999_999) // seconds; more than an int of 32 bits
)

// forge returns a token with other claims; nil removes one.
func (id *Identity) forge(edits map[string]any) string {
	return id.Issuer.Forge(id.App, func(_, claims map[string]any) {
		for name, v := range edits {
			if claims[name] = v; v == nil {
				delete(claims, name)
			}
		}
	})
}
