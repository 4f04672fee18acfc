package identity

import (
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
)

// AuthorityPath is the path of the authority on the server of an [Issuer].
const AuthorityPath = "/entra"

// The issuers of tokens. Like those of Entra they are names only: nothing is fetched
// from them, and they do not depend on the address of the documents.
const (
	issuerV1 = "https://sts.emulator.invalid/" + TenantID + "/"
	issuerV2 = "https://login.emulator.invalid/" + TenantID + "/v2.0"
)

// ServeHTTP serves the documents below [AuthorityPath] that Entra has below its host:
//
//	/{tenant}/.well-known/openid-configuration       of version 1.0
//	/{tenant}/v2.0/.well-known/openid-configuration  of version 2.0
//	/{tenant}/discovery/keys                         of version 1.0
//	/{tenant}/discovery/v2.0/keys                    of version 2.0
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, found := strings.CutPrefix(r.URL.Path, AuthorityPath+"/"+TenantID)
	if !found {
		http.NotFound(w, r)
		return
	}
	scheme := "http://"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https://"
	}
	base := scheme + r.Host + AuthorityPath + "/" + TenantID
	var document map[string]any
	switch path {
	case "/.well-known/openid-configuration":
		document = discovery(issuerV1, base+"/discovery/keys")
	case "/v2.0/.well-known/openid-configuration":
		document = discovery(issuerV2, base+"/discovery/v2.0/keys")
	case "/discovery/keys":
		document = map[string]any{"keys": i.published("")}
	case "/discovery/v2.0/keys":
		document = map[string]any{"keys": i.published(issuerV2)}
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "want GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(document) // to a client that may be gone
}

func discovery(issuer, keys string) map[string]any {
	return map[string]any{
		"issuer":                                issuer,
		"jwks_uri":                              keys,
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
}

// published returns the public keys. Those of version 2.0 have their issuer.
func (i *Issuer) published(issuer string) []map[string]any {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []map[string]any
	for _, s := range i.signers() {
		key := map[string]any{
			"kty": "RSA", "use": "sig", "kid": s.id, "x5t": s.id,
			"n": base64.RawURLEncoding.EncodeToString(s.key.N.Bytes()),
			"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(s.key.E)).Bytes()),
		}
		if issuer != "" {
			key["issuer"] = issuer
		}
		out = append(out, key)
	}
	return out
}
