package entra

import "errors"

// ErrKeysUnavailable means that the tenant's keys could not be fetched, so that a token
// can be neither accepted nor refused. [Verifier.Verify] returns it as the cause of a
// [webpubsub.Error] with status 503, after which the service delivers the event again.
var ErrKeysUnavailable = errors.New("keys of the tenant are not available")

// Error reports the rule that the token of a request breaks. It is for the log: a
// handler answers it with 401 and a fixed text. Its text does not have the token. It may
// have ids of the token, cut.
type Error struct {
	// Rule is the rule, for metrics.
	Rule Rule
	text string
}

// Error returns the rule, the value that breaks it and the remedy.
func (e *Error) Error() string { return "entra: " + string(e.Rule) + ": " + e.text }

// Rule names a rule of [Verifier.Verify].
type Rule string

// The rules, in the order in which they are checked.
const (
	// RuleHeader: there is one Authorization header, with the scheme Bearer (without
	// case) and a token of at most 16 KiB.
	RuleHeader Rule = "authorization header"
	// RuleFormat: the token is a JWT with the claims of a token of Entra.
	RuleFormat Rule = "format"
	// RuleAlgorithm: the token is signed with RS256 (alg).
	RuleAlgorithm Rule = "algorithm"
	// RuleVersion: the version (ver) is 1.0 or 2.0.
	RuleVersion Rule = "version"
	// RuleKey: the tenant has a key with the token's key id (kid).
	RuleKey Rule = "key"
	// RuleSignature: the key has made the signature.
	RuleSignature Rule = "signature"
	// RuleIssuer: the issuer (iss) is that of the token's version for the tenant, and
	// the tenant (tid) is the configured one.
	RuleIssuer Rule = "issuer"
	// RuleAudience: the audience (aud) is one of [Config.Audiences].
	RuleAudience Rule = "audience"
	// RuleTime: the token has begun (nbf) and has not expired (exp).
	RuleTime Rule = "time"
	// RuleCaller: the token is of an application, not of a user, and of a configured
	// caller (oid; appid or azp).
	RuleCaller Rule = "caller"
	// RuleRoles: the token has all of [Config.RequiredRoles] (roles).
	RuleRoles Rule = "roles"
)
