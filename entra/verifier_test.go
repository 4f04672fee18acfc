package entra_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/entra"
)

var _ webpubsub.Verifier = (*entra.Verifier)(nil)

// version is what differs between tokens of the two versions.
type version struct {
	name      string
	number    string
	claims    func(time.Time) jwt.MapClaims
	issuer    string // with the slash missing or added: notIssuer
	notIssuer string
	otherVer  string
	otherIss  string
	app       string // claim of the caller's application id
	discovery string
	keys      string
}

var versions = []version{
	{"v1", "1.0", claimsV1, issuerV1, strings.TrimSuffix(issuerV1, "/"), "2.0", issuerV2, "appid", discoveryV1, keysV1},
	{"v2", "2.0", claimsV2, issuerV2, issuerV2 + "/", "1.0", issuerV1, "azp", discoveryV2, keysV2},
}

// each runs a test for both versions.
func each(t *testing.T, test func(t *testing.T, v version)) {
	t.Helper()
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			test(t, v)
		})
	}
}

type object = jwt.MapClaims

// The claims of tokens that are signed with the tenant's key.
func TestClaims(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, ver version, _ *cloud, v *entra.Verifier) {
		now := time.Now()
		second := func(d time.Duration) int64 { return now.Add(d).Unix() }
		for name, tt := range map[string]struct {
			claims object
			want   entra.Rule
		}{
			"right":                     {object{}, ""},
			"other audience of several": {object{"aud": clientID}, ""},
			"iss with or without slash": {object{"iss": ver.notIssuer}, entra.RuleIssuer},
			"iss of the other version":  {object{"iss": ver.otherIss}, entra.RuleIssuer},
			"ver and iss disagreeing":   {object{"ver": ver.otherVer}, entra.RuleIssuer},
			"iss of the other tenant":   {object{"iss": strings.Replace(ver.issuer, tenant, otherTenant, 1)}, entra.RuleIssuer},
			"other tenant": {object{"tid": otherTenant, "iss": strings.Replace(ver.issuer, tenant, otherTenant, 1)},
				entra.RuleIssuer},
			"tid and iss disagreeing":      {object{"tid": otherTenant}, entra.RuleIssuer},
			"tid missing":                  {object{"tid": nil}, entra.RuleIssuer},
			"iss missing":                  {object{"iss": nil}, entra.RuleIssuer},
			"iss with another case":        {object{"iss": strings.ToUpper(ver.issuer)}, entra.RuleIssuer},
			"ver missing":                  {object{"ver": nil}, entra.RuleVersion},
			"ver unknown":                  {object{"ver": "3.0"}, entra.RuleVersion},
			"ver a number":                 {object{"ver": 1.0}, entra.RuleVersion},
			"aud other":                    {object{"aud": "api://other"}, entra.RuleAudience},
			"aud with a slash":             {object{"aud": uri + "/"}, entra.RuleAudience},
			"aud with another case":        {object{"aud": "API://CHAT"}, entra.RuleAudience},
			"aud Graph":                    {object{"aud": "https://graph.microsoft.com"}, entra.RuleAudience},
			"aud missing":                  {object{"aud": nil}, entra.RuleAudience},
			"aud list":                     {object{"aud": []string{uri, "api://other"}}, entra.RuleFormat},
			"aud list of one":              {object{"aud": []string{uri}}, entra.RuleFormat},
			"exp within the leeway":        {object{"exp": second(-4 * time.Minute)}, ""},
			"exp beyond the leeway":        {object{"exp": second(-6 * time.Minute)}, entra.RuleTime},
			"exp missing":                  {object{"exp": nil}, entra.RuleTime},
			"exp a text":                   {object{"exp": "2100-01-01"}, entra.RuleFormat},
			"exp far in the past":          {object{"exp": -1e300}, entra.RuleTime},
			"nbf within the leeway":        {object{"nbf": second(4 * time.Minute)}, ""},
			"nbf beyond the leeway":        {object{"nbf": second(6 * time.Minute)}, entra.RuleTime},
			"nbf far in the future":        {object{"nbf": 1e300}, entra.RuleTime},
			"nbf missing":                  {object{"nbf": nil}, ""},
			"oid other":                    {object{"oid": "bbbbbbbb-0000-4000-8000-000000000002", "sub": "bbbbbbbb-0000-4000-8000-000000000002"}, entra.RuleCaller},
			"oid missing":                  {object{"oid": nil}, entra.RuleCaller},
			"oid with another case":        {object{"oid": strings.ToUpper(objectID)}, ""},
			"sub missing":                  {object{"sub": nil}, entra.RuleCaller},
			"oid only as sub":              {object{"oid": nil, "sub": objectID}, entra.RuleCaller},
			"oid only with another case":   {object{"oid": nil, "OID": objectID}, entra.RuleCaller},
			"application":                  {object{"idtyp": "app"}, ""},
			"user":                         {object{"idtyp": "user"}, entra.RuleCaller},
			"on behalf of a user":          {object{"scp": "user_impersonation"}, entra.RuleCaller},
			"roles, none required":         {object{"roles": []string{"x"}}, ""},
			"roles a text":                 {object{"roles": "x"}, entra.RuleFormat},
			"further claims are ignored":   {object{"upn": "ann@contoso.com", "x": object{"y": 1}}, ""},
			"a claim of another JSON type": {object{"tid": 1}, entra.RuleFormat},
		} {
			token := sign("k1", firstKey(), with(ver.claims(now), tt.claims))
			assert.Equal(t, tt.want, verify(t, v, token), name)
		}
	})
}

// The exact limits of time.
func TestLeeway(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ver version) {
		synctest.Test(t, func(t *testing.T) {
			for _, leeway := range []time.Duration{0, time.Minute, 5 * time.Minute} {
				cfg := config(newCloud())
				cfg.Leeway = leeway
				v := newVerifier(t, cfg)
				slack := int64(leeway / time.Second)
				if leeway == 0 {
					slack = 300
				}
				now := time.Now().Unix()
				for _, tt := range []struct {
					claims object
					want   entra.Rule
				}{
					{object{"exp": now - slack + 1}, ""},
					{object{"exp": now - slack}, entra.RuleTime},
					{object{"nbf": now + slack}, ""},
					{object{"nbf": now + slack + 1}, entra.RuleTime},
				} {
					token := sign("k1", firstKey(), with(ver.claims(time.Now()), tt.claims))
					assert.Equal(t, tt.want, verify(t, v, token), "leeway %v: %v at %d", leeway, tt.claims, now)
				}
			}
		})
	})
}

// Tokens that the tenant has not signed.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ver version) {
		v := newVerifier(t, config(newCloud()))
		claims := ver.claims(time.Now())
		good := sign("k1", firstKey(), claims)
		parts := strings.Split(good, ".")
		encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
		der, err := x509.MarshalPKIXPublicKey(&firstKey().PublicKey)
		require.NoError(t, err)
		hs256 := func(secret []byte) string {
			content := encode(`{"alg":"HS256","kid":"k1"}`) + "." + parts[1]
			mac := hmac.New(sha256.New, secret)
			mac.Write([]byte(content))
			return content + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}
		rs512 := jwt.NewWithClaims(jwt.SigningMethodRS512, claims)
		rs512.Header["kid"] = "k1"
		longer, err := rs512.SignedString(firstKey())
		require.NoError(t, err)
		critical := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		critical.Header["kid"], critical.Header["crit"] = "k1", []string{"exp"}
		extended, err := critical.SignedString(firstKey())
		require.NoError(t, err)
		embedded := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		embedded.Header["jwk"], embedded.Header["kid"] = jwkOf("mine", &thiefKey().PublicKey), "mine"
		own, err := embedded.SignedString(thiefKey())
		require.NoError(t, err)

		for name, tt := range map[string]struct {
			token string
			want  entra.Rule
		}{
			"right":                               {good, ""},
			"signature of another key":            {sign("k1", thiefKey(), claims), entra.RuleSignature},
			"signature of another token":          {parts[0] + "." + encode(`{"ver":"`+ver.otherVer+`"}`) + "." + parts[2], entra.RuleSignature},
			"signature missing":                   {parts[0] + "." + parts[1] + ".", entra.RuleSignature},
			"signature cut":                       {good[:len(good)-2], entra.RuleSignature},
			"alg none":                            {encode(`{"alg":"none","kid":"k1"}`) + "." + parts[1] + ".", entra.RuleAlgorithm},
			"alg none, with signature":            {encode(`{"alg":"none","kid":"k1"}`) + "." + parts[1] + "." + parts[2], entra.RuleAlgorithm},
			"alg None":                            {encode(`{"alg":"None","kid":"k1"}`) + "." + parts[1] + ".", entra.RuleAlgorithm},
			"alg missing":                         {encode(`{"kid":"k1"}`) + "." + parts[1] + "." + parts[2], entra.RuleAlgorithm},
			"alg a number":                        {encode(`{"alg":1,"kid":"k1"}`) + "." + parts[1] + "." + parts[2], entra.RuleAlgorithm},
			"HS256 with the public key as secret": {hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), entra.RuleAlgorithm},
			"HS256 with its DER as secret":        {hs256(der), entra.RuleAlgorithm},
			"HS256 with its modulus as secret":    {hs256(firstKey().N.Bytes()), entra.RuleAlgorithm},
			"RS512":                               {longer, entra.RuleAlgorithm},
			"crit":                                {extended, entra.RuleFormat},
			"a key of its own in the header":      {own, entra.RuleKey},
			"kid unknown":                         {sign("k9", firstKey(), claims), entra.RuleKey},
			"kid missing":                         {encode(`{"alg":"RS256"}`) + "." + parts[1] + "." + parts[2], entra.RuleKey},
			"kid empty":                           {sign("", firstKey(), claims), entra.RuleKey},
			"kid a number":                        {encode(`{"alg":"RS256","kid":1}`) + "." + parts[1] + "." + parts[2], entra.RuleKey},
			"two parts":                           {parts[0] + "." + parts[1], entra.RuleFormat},
			"four parts":                          {good + ".x", entra.RuleFormat},
			"no base64":                           {"!." + parts[1] + "." + parts[2], entra.RuleFormat},
			"padding":                             {parts[0] + "=." + parts[1] + "." + parts[2], entra.RuleFormat},
			"header not JSON":                     {encode(`{`) + "." + parts[1] + "." + parts[2], entra.RuleFormat},
			"claims not JSON":                     {parts[0] + "." + encode(`{`) + "." + parts[2], entra.RuleFormat},
			"claims a list":                       {parts[0] + "." + encode(`[]`) + "." + parts[2], entra.RuleFormat},
			"claims null":                         {parts[0] + "." + encode(`null`) + "." + parts[2], entra.RuleVersion},
			"header null":                         {encode(`null`) + "." + parts[1] + "." + parts[2], entra.RuleAlgorithm},
			"dots":                                {"..", entra.RuleFormat},
			"two tokens":                          {good + ", Bearer " + good, entra.RuleFormat},
		} {
			assert.Equal(t, tt.want, verify(t, v, tt.token), name)
		}
	})
}

func TestAuthorizationHeader(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, config(newCloud()))
	good := sign("k1", firstKey(), claimsV1(time.Now()))
	for name, tt := range map[string]struct {
		lines []string
		want  entra.Rule
	}{
		"right":               {[]string{"Bearer " + good}, ""},
		"scheme without case": {[]string{"bEARER " + good}, ""},
		"more spaces":         {[]string{"Bearer   " + good + " "}, ""},
		"no header":           {nil, entra.RuleHeader},
		"no lines":            {[]string{}, entra.RuleHeader},
		"two headers":         {[]string{"Bearer " + good, "Bearer " + good}, entra.RuleHeader},
		"empty":               {[]string{""}, entra.RuleHeader},
		"token alone":         {[]string{good}, entra.RuleHeader},
		"scheme alone":        {[]string{"Bearer"}, entra.RuleHeader},
		"scheme and space":    {[]string{"Bearer "}, entra.RuleHeader},
		"other scheme":        {[]string{"Basic " + good}, entra.RuleHeader},
		"tab":                 {[]string{"Bearer\t" + good}, entra.RuleHeader},
		"longest":             {[]string{"Bearer " + strings.Repeat("x", 16<<10-len("Bearer "))}, entra.RuleFormat},
		"too long":            {[]string{"Bearer " + strings.Repeat("x", 16<<10-len("Bearer ")+1)}, entra.RuleHeader},
		"too long, but valid": {[]string{"Bearer " + good + strings.Repeat(" ", 16<<10)}, entra.RuleHeader},
	} {
		err := v.Verify(request(tt.lines...))
		assert.Equal(t, tt.want, ruleOf(t, err), name)
		if err != nil {
			assert.NotContains(t, err.Error(), good[:20], name)
			assert.Less(t, len(err.Error()), 512, name)
		}
	}
}

func TestZeroVerifierAcceptsNothing(t *testing.T) {
	t.Parallel()
	good := sign("k1", firstKey(), claimsV1(time.Now()))
	require.EqualError(t, new(entra.Verifier).Verify(request("Bearer "+good)), "entra: the verifier was not made by NewVerifier")
}

func TestCallers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ver version) {
		for name, tt := range map[string]struct {
			edit   func(*entra.Config)
			claims object
			want   entra.Rule
		}{
			"object id":                 {func(*entra.Config) {}, object{}, ""},
			"object id in upper case":   {func(c *entra.Config) { c.CallerObjectIDs = []string{strings.ToUpper(objectID)} }, object{}, ""},
			"second of several":         {func(c *entra.Config) { c.CallerObjectIDs = []string{clientID, objectID} }, object{}, ""},
			"app id":                    {func(c *entra.Config) { c.CallerObjectIDs, c.CallerAppIDs = nil, []string{appID} }, object{}, ""},
			"app id or object id":       {func(c *entra.Config) { c.CallerObjectIDs, c.CallerAppIDs = []string{clientID}, []string{appID} }, object{}, ""},
			"other app id":              {func(c *entra.Config) { c.CallerObjectIDs, c.CallerAppIDs = nil, []string{clientID} }, object{}, entra.RuleCaller},
			"object id given as app id": {func(c *entra.Config) { c.CallerObjectIDs, c.CallerAppIDs = nil, []string{objectID} }, object{}, entra.RuleCaller},
			"app id given as object id": {func(c *entra.Config) { c.CallerObjectIDs = []string{appID} }, object{}, entra.RuleCaller},
			"app id of the other claim": {func(c *entra.Config) { c.CallerObjectIDs, c.CallerAppIDs = nil, []string{appID} }, object{ver.app: clientID, "appid" + ver.app: appID}, entra.RuleCaller},
			"app id missing":            {func(c *entra.Config) { c.CallerObjectIDs, c.CallerAppIDs = nil, []string{appID} }, object{ver.app: nil}, entra.RuleCaller},
			"any caller":                {func(c *entra.Config) { c.CallerObjectIDs, c.AnyCallerOfTenant = nil, true }, object{"oid": clientID, "sub": clientID, ver.app: clientID}, ""},
			"any caller, but a user":    {func(c *entra.Config) { c.CallerObjectIDs, c.AnyCallerOfTenant = nil, true }, object{"scp": "x"}, entra.RuleCaller},
			"any caller, ID token of a user": {func(c *entra.Config) { c.CallerObjectIDs, c.AnyCallerOfTenant = nil, true },
				object{"oid": clientID, "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", ver.app: nil}, entra.RuleCaller},
			"any caller, other tenant":   {func(c *entra.Config) { c.CallerObjectIDs, c.AnyCallerOfTenant = nil, true }, object{"tid": otherTenant}, entra.RuleIssuer},
			"role missing":               {func(c *entra.Config) { c.RequiredRoles = []string{"Events.Send"} }, object{}, entra.RuleRoles},
			"role":                       {func(c *entra.Config) { c.RequiredRoles = []string{"Events.Send"} }, object{"roles": []string{"x", "Events.Send"}}, ""},
			"role with another case":     {func(c *entra.Config) { c.RequiredRoles = []string{"Events.Send"} }, object{"roles": []string{"events.send"}}, entra.RuleRoles},
			"one of two roles":           {func(c *entra.Config) { c.RequiredRoles = []string{"a", "b"} }, object{"roles": []string{"a"}}, entra.RuleRoles},
			"both roles":                 {func(c *entra.Config) { c.RequiredRoles = []string{"a", "b"} }, object{"roles": []string{"b", "a"}}, ""},
			"roles of other JSON types":  {func(c *entra.Config) { c.RequiredRoles = []string{"a"} }, object{"roles": []any{1, nil, object{}, []any{"a"}}}, entra.RuleRoles},
			"role does not allow others": {func(c *entra.Config) { c.RequiredRoles = []string{"a"} }, object{"roles": []string{"a"}, "oid": clientID}, entra.RuleCaller},
		} {
			cfg := config(newCloud())
			tt.edit(&cfg)
			token := sign("k1", firstKey(), with(ver.claims(time.Now()), tt.claims))
			assert.Equal(t, tt.want, verify(t, newVerifier(t, cfg), token), name)
		}
	})
}

// The log has the value and the remedy; the answer has neither.
func TestHandler(t *testing.T) {
	t.Parallel()
	var outcome webpubsub.Outcome
	h, err := webpubsub.NewHandler(handlerConfig(newVerifier(t, config(newCloud())), &outcome))
	require.NoError(t, err)
	send := func(token string) (status int, body string) {
		w := serve(h, event("Bearer "+token))
		return w.Code, w.Body.String()
	}
	status, _ := send(sign("k1", firstKey(), claimsV1(time.Now())))
	assert.Equal(t, http.StatusNoContent, status)

	other := "bbbbbbbb-0000-4000-8000-000000000002"
	status, body := send(sign("k1", firstKey(), with(claimsV1(time.Now()), object{"oid": other, "sub": other})))
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Equal(t, entra.RuleCaller, ruleOf(t, outcome.Err))
	require.EqualError(t, outcome.Err, `entra: caller: the object id (oid) "`+other+`" and the application id "`+appID+
		`" are not in CallerObjectIDs and CallerAppIDs; if they are those of the service's managed identity, add one`)
	assert.NotContains(t, body, other)

	_, otherBody := send("x.y.z")
	assert.Equal(t, body, otherBody, "a stranger does not learn the rule")
	assert.Equal(t, entra.RuleFormat, ruleOf(t, outcome.Err))
}
