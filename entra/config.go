package entra

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// Authorities of Microsoft's clouds, for [Config.Authority].
const (
	// PublicCloud is the default. Its tokens have the issuers
	// https://sts.windows.net/{tenant}/ (version 1.0) and
	// https://login.microsoftonline.com/{tenant}/v2.0.
	PublicCloud = "https://login.microsoftonline.com"
	// USGovernmentCloud is Azure Government. Its issuers have not been confirmed; the
	// verifier reads them from the tenant's documents.
	USGovernmentCloud = "https://login.microsoftonline.us"
	// ChinaCloud is Azure operated by 21Vianet. Its tokens of version 1.0 have the issuer
	// https://sts.chinacloudapi.cn/{tenant}/. The issuer of version 2.0 has not been
	// confirmed; the verifier reads it from the tenant's document.
	ChinaCloud = "https://login.partner.microsoftonline.cn"
)

// MaxLeeway is the default and the maximum of [Config.Leeway].
const MaxLeeway = 5 * time.Minute

// Config configures a [Verifier]. TenantID, Audiences and a caller are required.
type Config struct {
	// TenantID is the id of the tenant that issues the tokens (tid), a GUID:
	//
	//	az account show --query tenantId
	TenantID string
	// Audiences are the accepted audiences (aud). A token must have exactly one of them,
	// as written here. A token of version 1.0 has the resource in the event handler's
	// setting; a token of version 2.0 has the client id of the app registration. List
	// both if the version may change.
	Audiences []string

	// CallerObjectIDs are the object ids (oid) of the identities whose tokens are
	// accepted: the "Object (principal) ID" of the service's managed identity.
	CallerObjectIDs []string
	// CallerAppIDs are the application ids (appid, azp) of the identities whose tokens
	// are accepted: the client id of a user-assigned managed identity. A caller needs
	// to be in one of CallerObjectIDs and CallerAppIDs.
	CallerAppIDs []string
	// AnyCallerOfTenant accepts the tokens of all applications and managed identities of
	// the tenant, in place of CallerObjectIDs and CallerAppIDs. Unless the app registration
	// requires an assignment, each of them can then send events.
	AnyCallerOfTenant bool
	// RequiredRoles are app roles (roles), all of which a token must have. Empty
	// requires none.
	RequiredRoles []string

	// Leeway is the accepted difference between the clocks of Entra and this machine.
	// Zero means [MaxLeeway], which is also the maximum.
	Leeway time.Duration

	// Authority is the URL of Entra, without the tenant. Empty means [PublicCloud].
	// The URL must be https, unless its host is localhost or a loopback address or
	// InsecureAllowHTTP is set. The authority of the module's emulator is the address
	// of the emulator followed by /entra.
	Authority string
	// InsecureAllowHTTP accepts an http Authority on any host. Anyone on the network in
	// between can then replace the keys, and send any event. Use it for an emulator in
	// a container.
	InsecureAllowHTTP bool
	// KeysOfApp is the client id of an app registration that has signing keys of its
	// own. The keys are then those of this app (?appid=). Empty means the tenant's keys.
	KeysOfApp string
	// Transport fetches the keys. Nil means [http.DefaultTransport].
	Transport http.RoundTripper
}

// complete checks a configuration, sets its defaults and writes ids in lower case. It
// does not write to slices of the caller.
func (c *Config) complete() error {
	if err := c.checkTenant(); err != nil {
		return err
	}
	c.TenantID = strings.ToLower(c.TenantID)
	c.Audiences = slices.Clone(c.Audiences)
	if len(c.Audiences) == 0 {
		return errors.New("Audiences is empty: set the resource in the event handler's setting, and the client id of its app registration")
	}
	for i, audience := range c.Audiences {
		if err := rule.CheckAudience(audience); err != nil {
			return fmt.Errorf("Audiences[%d] %w", i, err)
		}
	}
	if err := c.completeCallers(); err != nil {
		return err
	}
	c.RequiredRoles = slices.Clone(c.RequiredRoles)
	if i := slices.Index(c.RequiredRoles, ""); i >= 0 {
		return fmt.Errorf("RequiredRoles[%d] is empty: want the value of an app role", i)
	}
	if c.Leeway < 0 || c.Leeway > MaxLeeway {
		return fmt.Errorf("Leeway is %v, want 0 to %v: set the clock of this machine instead", c.Leeway, MaxLeeway)
	}
	if c.Leeway == 0 {
		c.Leeway = MaxLeeway
	}
	if c.KeysOfApp != "" && !rule.IsGUID(c.KeysOfApp) {
		return fmt.Errorf("KeysOfApp %s: want the client id of an app registration, a GUID", excerpt.Name(c.KeysOfApp))
	}
	return nil
}

func (c *Config) checkTenant() error {
	const remedy = "set the GUID that az account show --query tenantId prints"
	switch lower := strings.ToLower(c.TenantID); {
	case lower == "":
		return errors.New("TenantID is empty: " + remedy)
	case lower == "common" || lower == "organizations" || lower == "consumers":
		return fmt.Errorf("TenantID %q accepts the tokens of any tenant, also of an attacker's: %s", c.TenantID, remedy)
	case !rule.IsGUID(lower):
		return fmt.Errorf("TenantID %s is not a GUID, and tokens have no other name of the tenant: %s", excerpt.Name(c.TenantID), remedy)
	}
	return nil
}

func (c *Config) completeCallers() error {
	listed := len(c.CallerObjectIDs) + len(c.CallerAppIDs)
	switch {
	case listed == 0 && !c.AnyCallerOfTenant:
		return errors.New("no caller: set CallerObjectIDs to the Object (principal) ID of the service's managed identity; " +
			"without it, any identity of the tenant could send events (AnyCallerOfTenant)")
	case listed > 0 && c.AnyCallerOfTenant:
		return errors.New("AnyCallerOfTenant is set together with CallerObjectIDs or CallerAppIDs: choose one")
	}
	var err error
	if c.CallerObjectIDs, err = lowerGUIDs("CallerObjectIDs", c.CallerObjectIDs); err != nil {
		return err
	}
	c.CallerAppIDs, err = lowerGUIDs("CallerAppIDs", c.CallerAppIDs)
	return err
}

func lowerGUIDs(field string, ids []string) ([]string, error) {
	out := make([]string, len(ids))
	for i, id := range ids {
		if !rule.IsGUID(id) {
			return nil, fmt.Errorf("%s[%d] %s: want a GUID, as the portal shows it", field, i, excerpt.Name(id))
		}
		out[i] = strings.ToLower(id)
	}
	return out, nil
}

// authority returns the checked URL of the authority, without a slash at its end.
func (c *Config) authority() (*url.URL, error) {
	if c.Authority == "" {
		c.Authority = PublicCloud
	}
	u, err := url.Parse(c.Authority)
	switch {
	case strings.ContainsAny(c.Authority, "@?#"): // not quoted: it may have a password
		return nil, fmt.Errorf("Authority: want a URL without user information, query and fragment, such as %s", PublicCloud)
	case err != nil || u.Host == "":
		return nil, fmt.Errorf("Authority %s: want a URL such as %s", excerpt.Name(c.Authority), PublicCloud)
	case u.Scheme == "http" && !c.InsecureAllowHTTP && !rule.IsLoopback(u.Hostname()):
		return nil, fmt.Errorf("Authority %s is http, so that anyone in between could replace the keys: use https, or InsecureAllowHTTP for an emulator", excerpt.Name(c.Authority))
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("Authority %s: want https", excerpt.Name(c.Authority))
	}
	if strings.Contains(strings.ToLower(u.Path), c.TenantID) {
		return nil, fmt.Errorf("Authority %s has the tenant: want the URL without it, such as %s", excerpt.Name(c.Authority), PublicCloud)
	}
	u.Host = strings.ToLower(u.Host)
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}
