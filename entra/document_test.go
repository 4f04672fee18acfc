package entra_test

import (
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/entra"
)

// text is an answer with a status and a body.
func text(status int, body string) func() *http.Response {
	return func() *http.Response {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	}
}

func redirect(to string) func() *http.Response {
	return func() *http.Response {
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {to}}, Body: http.NoBody}
	}
}

// Documents that must not be believed. The keys are then not available.
func TestUnusableDocuments(t *testing.T) {
	t.Parallel()
	discovery := func(issuer, keys string) func() *http.Response {
		return func() *http.Response { return answer(object{"issuer": issuer, "jwks_uri": keys}) }
	}
	keyList := func(keys ...object) func() *http.Response {
		return func() *http.Response { return answer(object{"keys": keys}) }
	}
	for name, tt := range map[string]struct {
		answers map[string]func() *http.Response
		want    string // the end of the error
	}{
		"discovery not found":      {map[string]func() *http.Response{discoveryV1: text(404, "")}, discoveryV1 + ": answered with 404, want 200; compare TenantID and Authority"},
		"discovery no content":     {map[string]func() *http.Response{discoveryV1: text(204, "")}, discoveryV1 + ": answered with 204, want 200; compare TenantID and Authority"},
		"discovery not JSON":       {map[string]func() *http.Response{discoveryV1: text(200, "<html>")}, ": read document: invalid character '<' looking for beginning of value"},
		"discovery too long":       {map[string]func() *http.Response{discoveryV1: text(200, strings.Repeat(" ", 256<<10+1))}, ": read document: longer than 262144 bytes"},
		"issuer of another tenant": {map[string]func() *http.Response{discoveryV1: discovery("https://sts.windows.net/"+otherTenant+"/", keysV1)}, `: the issuer is "https://sts.windows.net/` + otherTenant + `/", want a URL that ends with "/` + tenant + `/"`},
		"issuer template":          {map[string]func() *http.Response{discoveryV1: discovery("https://sts.windows.net/{tenantid}/", keysV1)}, `: the issuer is "https://sts.windows.net/{tenantid}/", want a URL that ends with "/` + tenant + `/"`},
		"issuer of version 2.0":    {map[string]func() *http.Response{discoveryV1: discovery(issuerV2, keysV1)}, `: the issuer is "` + issuerV2 + `", want a URL that ends with "/` + tenant + `/"`},
		"issuer in a query":        {map[string]func() *http.Response{discoveryV1: discovery("https://sts.windows.net/?/"+tenant+"/", keysV1)}, `: the issuer is "https://sts.windows.net/?/` + tenant + `/", want a URL that ends with "/` + tenant + `/"`},
		"issuer without host":      {map[string]func() *http.Response{discoveryV1: discovery("/"+tenant+"/", keysV1)}, `: the issuer is "/` + tenant + `/", want a URL that ends with "/` + tenant + `/"`},
		"issuer missing":           {map[string]func() *http.Response{discoveryV1: discovery("", keysV1)}, `: the issuer is "", want a URL that ends with "/` + tenant + `/"`},
		"keys on another host":     {map[string]func() *http.Response{discoveryV1: discovery(issuerV1, "https://evil.test/keys")}, `: jwks_uri is "https://evil.test/keys", want a URL of https://login.microsoftonline.com`},
		"keys on another port":     {map[string]func() *http.Response{discoveryV1: discovery(issuerV1, "https://login.microsoftonline.com:444/keys")}, `: jwks_uri is "https://login.microsoftonline.com:444/keys", want a URL of https://login.microsoftonline.com`},
		"keys by http":             {map[string]func() *http.Response{discoveryV1: discovery(issuerV1, "http://login.microsoftonline.com/keys")}, `: jwks_uri is "http://login.microsoftonline.com/keys", want a URL of https://login.microsoftonline.com`},
		"keys with a user":         {map[string]func() *http.Response{discoveryV1: discovery(issuerV1, "https://a@login.microsoftonline.com/keys")}, `: jwks_uri is "https://a@login.microsoftonline.com/keys", want a URL of https://login.microsoftonline.com`},
		"keys missing":             {map[string]func() *http.Response{discoveryV1: discovery(issuerV1, "")}, `: jwks_uri is "", want a URL of https://login.microsoftonline.com`},
		"redirect to another host": {map[string]func() *http.Response{discoveryV1: redirect("https://evil.test/x")}, `: redirected to another host: "evil.test", want that of Authority`},
		"redirect to http":         {map[string]func() *http.Response{discoveryV1: redirect("http://login.microsoftonline.com/x")}, `: redirected to another host: "login.microsoftonline.com", want that of Authority`},
		"redirect of the keys":     {map[string]func() *http.Response{keysV1: redirect("https://evil.test/x")}, `: redirected to another host: "evil.test", want that of Authority`},
		"redirects without end":    {map[string]func() *http.Response{discoveryV1: redirect(discoveryV1)}, `: redirected more than 3 times`},
		"no keys":                  {map[string]func() *http.Response{keysV1: keyList()}, keysV1 + ": none of 0 keys can be used for RS256"},
		"key list a text":          {map[string]func() *http.Response{keysV1: text(200, `{"keys":"x"}`)}, ": read document: json: cannot unmarshal string into Go struct field jwks.keys of type []entra.jwk"},
		"no usable key":            {map[string]func() *http.Response{keysV1: keyList(object{"kty": "EC", "kid": "k1"}, object{})}, keysV1 + ": none of 2 keys can be used for RS256"},
		"internal error":           {map[string]func() *http.Response{keysV1: text(500, "secret")}, keysV1 + ": answered with 500, want 200; compare TenantID and Authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud()
			maps.Copy(c.answers, tt.answers)
			v := newVerifier(t, config(c))
			err := v.Verify(request("Bearer " + sign("k1", firstKey(), claimsV1(time.Now()))))
			unavailable(t, err)
			assert.True(t, strings.HasSuffix(err.Error(), tt.want), "%v", err)
		})
	}
}

func TestRedirectOnTheSameHost(t *testing.T) {
	t.Parallel()
	c := newCloud()
	c.answers[discoveryV1] = redirect("/moved")
	c.answers["https://login.microsoftonline.com/moved"] = func() *http.Response {
		return answer(object{"issuer": issuerV1, "jwks_uri": keysV1})
	}
	assert.Equal(t, entra.Rule(""), verify(t, newVerifier(t, config(c)), sign("k1", firstKey(), claimsV1(time.Now()))))
}

// Keys that are not for RS256, or of another tenant, are omitted. Others are used.
func TestUnusableKeys(t *testing.T) {
	t.Parallel()
	good := jwkOf("k1", &firstKey().PublicKey)
	even := new(big.Int).Lsh(big.NewInt(1), 2047)
	modulus := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
	for name, tt := range map[string]struct {
		edit    object
		omitted bool // in version 1.0
		also2   bool // in version 2.0 only
	}{
		"right":                {object{}, false, false},
		"no use":               {object{"use": nil}, false, false},
		"alg RS256":            {object{"alg": "RS256"}, false, false},
		"for encryption":       {object{"use": "enc"}, true, false},
		"alg RS512":            {object{"alg": "RS512"}, true, false},
		"kty EC":               {object{"kty": "EC"}, true, false},
		"kty missing":          {object{"kty": nil}, true, false},
		"kid missing":          {object{"kid": nil}, true, false},
		"n missing":            {object{"n": nil}, true, false},
		"n not base64":         {object{"n": "!"}, true, false},
		"n too short":          {object{"n": modulus(big.NewInt(3233))}, true, false},
		"n too long":           {object{"n": modulus(new(big.Int).Lsh(big.NewInt(1), 8193))}, true, false},
		"n even":               {object{"n": modulus(even)}, true, false},
		"e missing":            {object{"e": nil}, true, false},
		"e one":                {object{"e": "AQ"}, true, false},
		"e even":               {object{"e": "BA"}, true, false},
		"e too large":          {object{"e": "_____w"}, true, false},
		"e longer":             {object{"e": "AQAAAAE"}, true, false},
		"issuer":               {object{"issuer": issuerV2}, false, false},
		"issuer template":      {object{"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}, false, false},
		"other template":       {object{"issuer": "https://login.microsoftonline.us/{tenantid}/v2.0"}, false, true},
		"template of all":      {object{"issuer": "{tenantid}"}, false, true},
		"issuer other tenant":  {object{"issuer": strings.Replace(issuerV2, tenant, otherTenant, 1)}, false, true},
		"issuer longer":        {object{"issuer": issuerV2 + "{tenantid}" + issuerV2}, false, true},
		"issuer without brace": {object{"issuer": "https://login.microsoftonline.com/tenantid/v2.0"}, false, true},
	} {
		key := with(good, tt.edit)
		other := jwkOf("k2", &secondKey().PublicKey)
		c := newCloud()
		keys := func() *http.Response { return answer(object{"keys": []any{key, other}}) }
		c.answers[keysV1], c.answers[keysV2] = keys, keys
		v := newVerifier(t, config(c))
		want := map[bool]entra.Rule{true: entra.RuleKey}
		now := time.Now()
		assert.Equal(t, want[tt.omitted], verify(t, v, sign("k1", firstKey(), claimsV1(now))), name)
		assert.Equal(t, want[tt.omitted || tt.also2], verify(t, v, sign("k1", firstKey(), claimsV2(now))), name)
		assert.Equal(t, entra.Rule(""), verify(t, v, sign("k2", secondKey(), claimsV2(now))), name)
	}
}

func TestKeysOfApp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, ver version) {
		c := newCloud()
		cfg := config(c)
		cfg.KeysOfApp = clientID
		require.NoError(t, newVerifier(t, cfg).Verify(ver.first()))
		assert.Equal(t, "appid="+clientID, c.queries[ver.discovery])
	})
}

// Clouds have their own authority; the issuer is that of the tenant's document.
func TestAuthorities(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ authority, asked, issuer string }{
		{"", "https://login.microsoftonline.com", issuerV1},
		{entra.PublicCloud, "https://login.microsoftonline.com", issuerV1},
		{entra.PublicCloud + "/", "https://login.microsoftonline.com", issuerV1},
		{entra.USGovernmentCloud, "https://login.microsoftonline.us", "https://sts.example.us/" + tenant + "/"},
		{entra.ChinaCloud, "https://login.partner.microsoftonline.cn", "https://sts.chinacloudapi.cn/" + tenant + "/"},
		{"http://localhost:8080/entra", "http://localhost:8080/entra", "http://localhost:8080/entra/" + tenant + "/"},
		{"HTTPS://EMULATOR.test/a%20b/", "https://emulator.test/a%20b", issuerV1},
	} {
		c := newCloud()
		discovery := tt.asked + "/" + tenant + "/.well-known/openid-configuration"
		c.answers[discovery] = func() *http.Response {
			return answer(object{"issuer": tt.issuer, "jwks_uri": tt.asked + "/" + tenant + "/discovery/keys"})
		}
		c.answers[tt.asked+"/"+tenant+"/discovery/keys"] = func() *http.Response {
			return answer(object{"keys": []any{jwkOf("k1", &firstKey().PublicKey)}})
		}
		cfg := config(c)
		cfg.Authority = tt.authority
		v := newVerifier(t, cfg)
		token := sign("k1", firstKey(), with(claimsV1(time.Now()), object{"iss": tt.issuer}))
		assert.Equal(t, entra.Rule(""), verify(t, v, token), tt.authority)
		assert.Equal(t, 1, c.fetches(discovery), tt.authority)
		other := sign("k1", firstKey(), with(claimsV1(time.Now()), object{"iss": "https://sts.evil.test/" + tenant + "/"}))
		assert.Equal(t, entra.RuleIssuer, verify(t, v, other), tt.authority)
	}
}

// The documents are the answer of an endpoint on the internet: none makes the verifier
// panic or accept a token that the keys in it have not signed.
func FuzzDocuments(f *testing.F) {
	keys, err := json.Marshal(object{"keys": []any{jwkOf("k1", &thiefKey().PublicKey)}})
	require.NoError(f, err)
	f.Add([]byte(`{"issuer":"`+issuerV1+`","jwks_uri":"`+keysV1+`"}`), keys)
	f.Add([]byte(`{"issuer":"`+issuerV1+`","jwks_uri":"https://evil.test"}`), []byte(`{"keys":[{"kty":"RSA","kid":"k1","n":"AQAB","e":"AQAB"}]}`))
	f.Add([]byte(`null`), []byte(`{"keys":[null,{"kty":"RSA","kid":"k1","n":"`+strings.Repeat("_", 342)+`","e":"AQAB"}]}`))
	token := sign("k1", firstKey(), claimsV1(time.Now()))
	f.Fuzz(func(t *testing.T, discovery, keys []byte) {
		var asked []string
		cfg := config(nil)
		cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.URL.Scheme+"://"+r.URL.Host)
			body := discovery
			if len(asked) > 1 {
				body = keys
			}
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body)), Request: r}, nil
		})
		err := newVerifier(t, cfg).Verify(request("Bearer " + token))
		if err == nil {
			require.True(t, holds(keys, &firstKey().PublicKey), "accepted with keys that have not signed")
		}
		for _, host := range asked {
			require.Equal(t, "https://login.microsoftonline.com", host)
		}
	})
}

// holds reports whether a document has a key's modulus.
func holds(document []byte, key *rsa.PublicKey) bool {
	return bytes.Contains(document, []byte(base64.RawURLEncoding.EncodeToString(key.N.Bytes())))
}

func TestVerifierUsesItsOwnTransport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(nil)
		var asked int
		cfg.Transport = transport(func(*http.Request) (*http.Response, error) {
			asked++
			return nil, errOutage
		})
		unavailable(t, newVerifier(t, cfg).Verify(request("Bearer "+sign("k1", firstKey(), claimsV1(time.Now())))))
		assert.Equal(t, 1, asked)
	})
}
