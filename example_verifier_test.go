package webpubsub_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub"
)

// entraTokens verifies the bearer tokens that the service sends if the hub's
// event handler uses its managed identity. In production, fetch and renew the
// keys from the tenant's metadata document, or use a library.
type entraTokens struct {
	keys     map[string]*rsa.PublicKey // by kid
	issuer   string                    // https://sts.windows.net/{tenant}/
	audience string                    // the resource in the event handler's setting
	client   string                    // the application id of the service's identity
	now      func() time.Time
}

// Verify implements [webpubsub.Verifier]. All refusals are equal.
func (v entraTokens) Verify(r *http.Request) error {
	refused := webpubsub.Unauthorized("a token of the service is required")
	token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	parts := strings.Split(token, ".")
	if !isBearer || len(parts) != 3 || len(token) > 16<<10 {
		return refused
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Aud, AppID string
		Exp, Nbf        int64
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !decodeTokenPart(parts[0], &header) || !decodeTokenPart(parts[1], &claims) {
		return refused
	}
	key := v.keys[header.Kid]
	if key == nil || header.Alg != "RS256" { // the token does not choose the algorithm
		return refused
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil {
		return refused
	}
	now := v.now().Unix()
	if claims.Iss != v.issuer || claims.Aud != v.audience || claims.AppID != v.client || now < claims.Nbf || now >= claims.Exp {
		return refused
	}
	return nil
}

func decodeTokenPart(part string, into any) bool {
	data, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(data, into) == nil
}

// exampleToken returns a token like those of Entra.
func exampleToken(key *rsa.PrivateKey, claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	content := encode([]byte(`{"alg":"RS256","kid":"k1"}`)) + "." + encode([]byte(claims))
	digest := sha256.Sum256([]byte(content))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	return content + "." + encode(signature)
}

// How are the service's Entra tokens verified, in addition to its signatures?
// A Verifier checks them after the signatures. Unlike a signature, a token cannot be
// made by someone who has seen the signature of another event.
func ExampleVerifier() {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Hub:               "chat",
		ConnectionStrings: []string{exampleConnectionString},
		Logger:            slog.New(slog.DiscardHandler),
		Verifier: entraTokens{
			keys:     map[string]*rsa.PublicKey{"k1": &key.PublicKey},
			issuer:   "https://sts.windows.net/tenant/",
			audience: "api://chat",
			client:   "app-1",
			now:      func() time.Time { return time.Unix(1_767_225_600, 0) }, // time.Now
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	const claims = `{"iss":"https://sts.windows.net/tenant/","aud":"api://chat","appid":"app-1","nbf":1767225000,"exp":1767229200}`
	for _, authorization := range []string{
		"Bearer " + exampleToken(key, claims),
		"Bearer " + exampleToken(key, strings.Replace(claims, "api://chat", "api://other", 1)),
		"",
	} {
		r := exampleRequest("sys.connect", "application/json", "{}")
		r.Header.Set("Authorization", authorization)
		exampleServe(h, r)
	}
	// Output:
	// 204
	// 401 a token of the service is required
	// 401 a token of the service is required
}
