package entra_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/entra"
)

// The header is a stranger's. Only the token that was made here is accepted.
func FuzzAuthorization(f *testing.F) {
	v := newVerifier(f, config(newCloud()))
	good := sign("k1", firstKey(), claimsV1(time.Now()))
	parts := strings.Split(good, ".")
	f.Add("Bearer " + good)
	f.Add("bearer  " + good + " ")
	f.Add("Bearer " + withKeyID(good, "k9"))
	f.Add("Bearer " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".")
	f.Add("Bearer " + parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"ver":"2.0","exp":1e999}`)) + "." + parts[2])
	f.Add("Bearer ..")
	f.Add("")
	f.Fuzz(func(t *testing.T, header string) {
		err := v.Verify(request(header))
		if err == nil {
			scheme, token, _ := strings.Cut(header, " ")
			require.True(t, strings.EqualFold(scheme, "bearer"))
			require.Equal(t, good, strings.Trim(token, " "))
			return
		}
		ruleOf(t, err)
		require.Less(t, len(err.Error()), 1024)
		if len(header) > 256 {
			require.NotContains(t, err.Error(), header[128:])
		}
	})
}

// Claims that are signed are accepted if, and only if, a second implementation of the
// rules accepts them.
func FuzzClaims(f *testing.F) {
	v := newVerifier(f, config(newCloud()))
	for _, claims := range []object{claimsV1(time.Now()), claimsV2(time.Now())} {
		for _, edit := range []object{{}, {"aud": []string{uri}}, {"exp": 1}, {"nbf": 1e12}, {"oid": nil}, {"tid": otherTenant}, {"scp": "x"}, {"idtyp": "app"}, {"idtyp": 1}} {
			data, err := json.Marshal(with(claims, edit))
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, claims []byte) {
		content := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"k1"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
		digest := sha256.Sum256([]byte(content))
		signature, err := rsa.SignPKCS1v15(rand.Reader, firstKey(), crypto.SHA256, digest[:])
		require.NoError(t, err)
		header := "Bearer " + content + "." + base64.RawURLEncoding.EncodeToString(signature)
		if len(header) > 16<<10 {
			return
		}
		err = v.Verify(request(header))
		if rule := ruleOf(t, err); (rule == "") != acceptable(claims, time.Now()) {
			require.Fail(t, "the implementations differ", "rule %q for %s", rule, claims)
		}
	})
}

// acceptable is the second implementation, by sets of allowed values.
func acceptable(data []byte, now time.Time) bool {
	var all map[string]json.RawMessage
	if json.Unmarshal(data, &all) != nil {
		return false
	}
	texts := map[string]string{}
	for _, name := range []string{"iss", "tid", "ver", "aud", "oid", "sub", "idtyp", "scp"} {
		var text any
		if raw, found := all[name]; found {
			if json.Unmarshal(raw, &text) != nil {
				return false
			}
			s, isText := text.(string)
			if !isText {
				return false
			}
			texts[name] = s
		}
	}
	app := map[string]string{"1.0": "appid", "2.0": "azp"}[texts["ver"]]
	if raw, found := all[app]; found && raw[0] != '"' {
		return false
	}
	if raw, found := all["roles"]; found && raw[0] != '[' {
		return false
	}
	times := map[string]float64{"exp": 0, "nbf": 0}
	for name := range times {
		if raw, found := all[name]; found {
			var number any
			if json.Unmarshal(raw, &number) != nil {
				return false
			}
			n, isNumber := number.(float64)
			if !isNumber {
				return false
			}
			times[name] = n
		}
	}
	seconds := float64(now.Unix())
	return map[string]string{"1.0": issuerV1, "2.0": issuerV2}[texts["ver"]] == texts["iss"] && texts["iss"] != "" &&
		texts["tid"] == tenant && slices.Contains([]string{uri, clientID}, texts["aud"]) &&
		times["exp"] > seconds-300 && times["nbf"] <= seconds+300 &&
		strings.EqualFold(texts["oid"], objectID) && strings.EqualFold(texts["sub"], objectID) && texts["scp"] == "" && (texts["idtyp"] == "" || texts["idtyp"] == "app")
}

// BenchmarkVerify measures a token of each version, with known keys: a new token, and a
// token that was accepted before.
func BenchmarkVerify(b *testing.B) {
	for _, ver := range versions {
		b.Run(ver.name+"/new", func(b *testing.B) {
			v := newVerifier(b, config(newCloud()))
			requests := make([]*http.Request, 1000) // more than are remembered
			for i := range requests {
				requests[i] = request("Bearer " + sign("k1", firstKey(), with(ver.claims(time.Now()), object{"uti": i})))
			}
			require.NoError(b, v.Verify(requests[0]))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := v.Verify(requests[i%len(requests)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(ver.name+"/again", func(b *testing.B) {
			v := newVerifier(b, config(newCloud()))
			r := ver.first()
			require.NoError(b, v.Verify(r))
			b.ReportAllocs()
			for b.Loop() {
				if err := v.Verify(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRefuse measures a token with an unknown key id, which costs a stranger
// nothing.
func BenchmarkRefuse(b *testing.B) {
	v := newVerifier(b, config(newCloud()))
	r := request("Bearer " + withKeyID(sign("k1", firstKey(), claimsV1(time.Now())), "k9"))
	require.Equal(b, entra.RuleKey, ruleOf(b, v.Verify(r)))
	b.ReportAllocs()
	for b.Loop() {
		if v.Verify(r) == nil {
			b.Fatal("accepted")
		}
	}
}
