package entra

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// Versions of tokens (ver). The app registration of the audience chooses the version.
const (
	version1 = "1.0"
	version2 = "2.0"
)

// claims are the claims that are checked. They are read from a map: the names of struct
// fields would match in any case.
type claims struct {
	issuer, tenant, version, audience string
	expires, notBefore                *float64
	objectID, subject, appID          string
	kind, scope                       string
	roles                             []any
}

// read returns the claims of a token. It returns an error if one has another JSON type
// than in a token of Entra: an audience, for example, is a string and not a list.
func read(all jwt.MapClaims) (*claims, error) {
	c := new(claims)
	app := "appid"
	if all["ver"] == version2 {
		app = "azp"
	}
	for _, text := range [...]struct {
		name string
		into *string
	}{
		{"iss", &c.issuer}, {"tid", &c.tenant}, {"ver", &c.version}, {"aud", &c.audience},
		{"oid", &c.objectID}, {"sub", &c.subject}, {app, &c.appID}, {"idtyp", &c.kind}, {"scp", &c.scope},
	} {
		if v, found := all[text.name]; found {
			var isText bool
			if *text.into, isText = v.(string); !isText {
				return nil, &Error{RuleFormat, "the claim " + text.name + " is not a string"}
			}
		}
	}
	for _, number := range [...]struct {
		name string
		into **float64
	}{{"exp", &c.expires}, {"nbf", &c.notBefore}} {
		if v, found := all[number.name]; found {
			n, isNumber := v.(float64)
			if !isNumber {
				return nil, &Error{RuleFormat, "the claim " + number.name + " is not a number"}
			}
			*number.into = &n
		}
	}
	if v, found := all["roles"]; found {
		list, isList := v.([]any)
		if !isList {
			return nil, &Error{RuleFormat, "the claim roles is not a list"}
		}
		c.roles = list
	}
	return c, nil
}

// check checks the claims of a token whose signature is valid.
func (c *claims) check(cfg *Config, issuer string, now time.Time) error {
	switch {
	case c.issuer != issuer:
		return &Error{RuleIssuer, fmt.Sprintf("iss is %q, and ver %q; want iss %q for this version", excerpt.Short(c.issuer), c.version, issuer)}
	case c.tenant != cfg.TenantID:
		return &Error{RuleIssuer, fmt.Sprintf("tid is %q, want the TenantID %q", excerpt.Short(c.tenant), cfg.TenantID)}
	case !slices.Contains(cfg.Audiences, c.audience):
		return &Error{RuleAudience, fmt.Sprintf("aud is %q, want one of Audiences %q; compare them with the resource in the event handler's setting",
			excerpt.Short(c.audience), excerpt.Short(strings.Join(cfg.Audiences, ", ")))}
	}
	if err := c.checkTime(cfg.Leeway, now); err != nil {
		return err
	}
	if err := c.checkCaller(cfg); err != nil {
		return err
	}
	for _, role := range cfg.RequiredRoles {
		if !slices.Contains(c.roles, any(role)) {
			return &Error{RuleRoles, fmt.Sprintf("the role %q is missing: assign it to the service's managed identity", excerpt.Short(role))}
		}
	}
	return nil
}

func (c *claims) checkTime(leeway time.Duration, now time.Time) error {
	if c.expires == nil {
		return &Error{RuleTime, "exp is missing"}
	}
	seconds, slack := float64(now.Unix()), leeway.Seconds() // exact, and without overflow
	if seconds-slack >= *c.expires {
		return &Error{RuleTime, fmt.Sprintf("the token has expired: exp is %.0f, and the time %.0f; compare the clock of this machine", *c.expires, seconds)}
	}
	if c.notBefore != nil && seconds+slack < *c.notBefore {
		return &Error{RuleTime, fmt.Sprintf("the token is not valid yet: nbf is %.0f, and the time %.0f; compare the clock of this machine", *c.notBefore, seconds)}
	}
	return nil
}

// checkCaller checks the identity. A managed identity requests tokens for itself. Entra
// also issues tokens of users for the same audience: those that an application holds in
// the name of a user have a scope, and ID tokens have a subject (sub) that is not the
// object id.
func (c *claims) checkCaller(cfg *Config) error {
	switch {
	case c.scope != "" || c.kind != "" && c.kind != "app" || !strings.EqualFold(c.subject, c.objectID):
		return &Error{RuleCaller, "the token is of a user, want that of an application"}
	case cfg.AnyCallerOfTenant:
		return nil
	case slices.Contains(cfg.CallerObjectIDs, strings.ToLower(c.objectID)), slices.Contains(cfg.CallerAppIDs, strings.ToLower(c.appID)):
		return nil
	}
	return &Error{RuleCaller, fmt.Sprintf("the object id (oid) %q and the application id %q are not in CallerObjectIDs and CallerAppIDs; "+
		"if they are those of the service's managed identity, add one", excerpt.Short(c.objectID), excerpt.Short(c.appID))}
}
