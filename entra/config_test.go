package entra_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/entra"
)

func TestConfigErrors(t *testing.T) {
	t.Parallel()
	const findTenant = ": set the GUID that az account show --query tenantId prints"
	const findApp = "; want the client id or the application id URI of your own app registration"
	for name, tt := range map[string]struct {
		edit func(*entra.Config)
		want string
	}{
		"tenant missing":   {func(c *entra.Config) { c.TenantID = "" }, "TenantID is empty" + findTenant},
		"common":           {func(c *entra.Config) { c.TenantID = "common" }, `TenantID "common" accepts the tokens of any tenant, also of an attacker's` + findTenant},
		"organizations":    {func(c *entra.Config) { c.TenantID = "Organizations" }, `TenantID "Organizations" accepts the tokens of any tenant, also of an attacker's` + findTenant},
		"consumers":        {func(c *entra.Config) { c.TenantID = "consumers" }, `TenantID "consumers" accepts the tokens of any tenant, also of an attacker's` + findTenant},
		"tenant's domain":  {func(c *entra.Config) { c.TenantID = "contoso.onmicrosoft.com" }, `TenantID "contoso.onmicrosoft.com" is not a GUID, and tokens have no other name of the tenant` + findTenant},
		"tenant in a path": {func(c *entra.Config) { c.TenantID = "../" + tenant }, `TenantID "../` + tenant + `" is not a GUID, and tokens have no other name of the tenant` + findTenant},
		"connection string": {func(c *entra.Config) { c.TenantID = "Endpoint=https://x;AccessKey=secret" },
			"TenantID (a connection string) is not a GUID, and tokens have no other name of the tenant" + findTenant},
		"no audience": {func(c *entra.Config) { c.Audiences = nil },
			"Audiences is empty: set the resource in the event handler's setting, and the client id of its app registration"},
		"empty audience": {func(c *entra.Config) { c.Audiences = []string{uri, ""} },
			"Audiences[1] is empty: the service then requests a token for Microsoft Graph, which no handler can verify" + findApp},
		"Graph": {func(c *entra.Config) { c.Audiences = []string{"00000003-0000-0000-c000-000000000000"} },
			`Audiences[0] "00000003-0000-0000-c000-000000000000" is Microsoft Graph, whose tokens no handler can verify` + findApp},
		"Graph's URI": {func(c *entra.Config) { c.Audiences = []string{"https://graph.microsoft.com"} },
			`Audiences[0] "https://graph.microsoft.com" is Microsoft Graph, whose tokens no handler can verify` + findApp},
		"Graph's URI with a slash": {func(c *entra.Config) { c.Audiences = []string{"https://graph.microsoft.com/"} },
			`Audiences[0] "https://graph.microsoft.com/" is Microsoft Graph, whose tokens no handler can verify` + findApp},
		"no caller": {func(c *entra.Config) { c.CallerObjectIDs = nil },
			"no caller: set CallerObjectIDs to the Object (principal) ID of the service's managed identity; without it, any identity of the tenant could send events (AnyCallerOfTenant)"},
		"any caller and one": {func(c *entra.Config) { c.AnyCallerOfTenant = true }, "AnyCallerOfTenant is set together with CallerObjectIDs or CallerAppIDs: choose one"},
		"any caller and an app": {func(c *entra.Config) {
			c.AnyCallerOfTenant, c.CallerObjectIDs, c.CallerAppIDs = true, nil, []string{appID}
		}, "AnyCallerOfTenant is set together with CallerObjectIDs or CallerAppIDs: choose one"},
		"object id a name":   {func(c *entra.Config) { c.CallerObjectIDs = []string{objectID, "my-service"} }, `CallerObjectIDs[1] "my-service": want a GUID, as the portal shows it`},
		"object id empty":    {func(c *entra.Config) { c.CallerObjectIDs = []string{""} }, `CallerObjectIDs[0] "": want a GUID, as the portal shows it`},
		"app id with braces": {func(c *entra.Config) { c.CallerAppIDs = []string{"{" + appID + "}"} }, `CallerAppIDs[0] "{` + appID + `}": want a GUID, as the portal shows it`},
		"role empty":         {func(c *entra.Config) { c.RequiredRoles = []string{"x", ""} }, "RequiredRoles[1] is empty: want the value of an app role"},
		"leeway negative":    {func(c *entra.Config) { c.Leeway = -1 }, "Leeway is -1ns, want 0 to 5m0s: set the clock of this machine instead"},
		"leeway too long":    {func(c *entra.Config) { c.Leeway = 5*time.Minute + 1 }, "Leeway is 5m0.000000001s, want 0 to 5m0s: set the clock of this machine instead"},
		"keys of a name":     {func(c *entra.Config) { c.KeysOfApp = "x&y" }, `KeysOfApp "x&y": want the client id of an app registration, a GUID`},
		"authority a host":   {func(c *entra.Config) { c.Authority = "login.microsoftonline.com" }, `Authority "login.microsoftonline.com": want a URL such as https://login.microsoftonline.com`},
		"authority and tenant": {func(c *entra.Config) { c.Authority = entra.PublicCloud + "/" + strings.ToUpper(tenant) + "/v2.0" },
			`Authority "https://login.microsoftonline.com/` + tenant + `/v2.0" has the tenant: want the URL without it, such as https://login.microsoftonline.com`},
		"authority by http":             {func(c *entra.Config) { c.Authority = "http://emulator:8080/entra" }, `Authority "http://emulator:8080/entra" is http, so that anyone in between could replace the keys: use https, or InsecureAllowHTTP for an emulator`},
		"authority like local":          {func(c *entra.Config) { c.Authority = "http://localhost.evil.test" }, `Authority "http://localhost.evil.test" is http, so that anyone in between could replace the keys: use https, or InsecureAllowHTTP for an emulator`},
		"authority by ftp":              {func(c *entra.Config) { c.Authority = "ftp://localhost" }, `Authority "ftp://localhost": want https`},
		"authority and user":            {func(c *entra.Config) { c.Authority = "https://ann:secret@login.microsoftonline.com" }, "Authority: want a URL without user information, query and fragment, such as https://login.microsoftonline.com"},
		"authority, user and no scheme": {func(c *entra.Config) { c.Authority = "ann:secret@login.microsoftonline.com" }, "Authority: want a URL without user information, query and fragment, such as https://login.microsoftonline.com"},
		"authority and query":           {func(c *entra.Config) { c.Authority = "https://login.microsoftonline.com?x=secret" }, "Authority: want a URL without user information, query and fragment, such as https://login.microsoftonline.com"},
	} {
		cfg := config(nil)
		tt.edit(&cfg)
		v, err := entra.NewVerifier(cfg)
		require.EqualError(t, err, "entra: config: "+tt.want, name)
		assert.Nil(t, v, name)
	}
}

func TestAuthoritiesByHTTP(t *testing.T) {
	t.Parallel()
	for _, authority := range []string{"http://localhost", "http://LOCALHOST:8080/entra", "http://127.0.0.1:1", "http://127.8.0.1", "http://[::1]:8080", "http://[::1]"} {
		cfg := config(nil)
		cfg.Authority = authority
		newVerifier(t, cfg)
	}
	cfg := config(nil)
	cfg.Authority, cfg.InsecureAllowHTTP = "http://emulator:8080/entra", true
	newVerifier(t, cfg)
}

// NewVerifier copies the lists of its configuration.
func TestConfigIsCopied(t *testing.T) {
	t.Parallel()
	cfg := config(newCloud())
	cfg.TenantID = strings.ToUpper(tenant)
	cfg.CallerObjectIDs = []string{strings.ToUpper(objectID)}
	cfg.CallerAppIDs = []string{strings.ToUpper(appID)}
	cfg.RequiredRoles = []string{"a"}
	v := newVerifier(t, cfg)
	assert.Equal(t, []string{strings.ToUpper(objectID)}, cfg.CallerObjectIDs, "it is not written to")
	cfg.Audiences[0], cfg.Audiences[1], cfg.CallerObjectIDs[0], cfg.CallerAppIDs[0], cfg.RequiredRoles[0] = "x", "x", "x", "x", "x"
	token := sign("k1", firstKey(), with(claimsV1(time.Now()), object{"roles": []string{"a"}}))
	assert.Equal(t, entra.Rule(""), verify(t, v, token))
}
