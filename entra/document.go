package entra

import (
	"cmp"
	"context"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const (
	// fetchTimeout is for both documents.
	fetchTimeout = 10 * time.Second
	// maxDocument is more than ten times the length of Microsoft's documents.
	maxDocument = 256 << 10
	// maxRedirects is the number of redirects that are followed.
	maxRedirects = 3
	// The lengths of RSA keys that are used.
	minKeyBits, maxKeyBits = 2048, 8192
)

// source is where the keys of one version come from.
type source struct {
	client    *http.Client
	authority *url.URL
	discovery string // URL
	tenant    string
	version   string // in paths: "" or "/v2.0"
}

func newSource(client *http.Client, authority *url.URL, cfg *Config, version string) *source {
	u := authority.JoinPath(cfg.TenantID + version + "/.well-known/openid-configuration")
	if cfg.KeysOfApp != "" {
		u.RawQuery = url.Values{"appid": {cfg.KeysOfApp}}.Encode()
	}
	return &source{client, authority, u.String(), cfg.TenantID, version}
}

// newClient returns a client that stays on the authority's host.
func newClient(transport http.RoundTripper, authority *url.URL) *http.Client {
	return &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		if !isAt(authority, req.URL) {
			return fmt.Errorf("redirected to another host: %q, want that of Authority", excerpt.Short(req.URL.Host))
		}
		if len(via) > maxRedirects {
			return fmt.Errorf("redirected more than %d times", maxRedirects)
		}
		return nil
	}}
}

// isAt reports whether a URL has the scheme and the host of the authority.
func isAt(authority, u *url.URL) bool {
	return u.Scheme == authority.Scheme && strings.EqualFold(u.Host, authority.Host) && u.User == nil
}

// fetch fetches the discovery document and the keys that it names. The issuer is that of
// the document, as OpenID Connect Discovery defines it.
func (s *source) fetch(ctx context.Context) (*keySet, error) {
	var document struct {
		Issuer  string `json:"issuer"`
		KeysURL string `json:"jwks_uri"`
	}
	if err := s.get(ctx, s.discovery, &document); err != nil {
		return nil, err
	}
	issuer, err := url.Parse(document.Issuer)
	if end := "/" + s.tenant + cmp.Or(s.version, "/"); err != nil || issuer.Host == "" || issuer.RawQuery != "" || !strings.HasSuffix(document.Issuer, end) {
		return nil, fmt.Errorf("%s: the issuer is %q, want a URL that ends with %q", s.discovery, excerpt.Short(document.Issuer), end)
	}
	keysURL, err := url.Parse(document.KeysURL)
	if err != nil || !isAt(s.authority, keysURL) {
		return nil, fmt.Errorf("%s: jwks_uri is %q, want a URL of %s://%s", s.discovery, excerpt.Short(document.KeysURL), s.authority.Scheme, s.authority.Host)
	}
	var list jwks
	if err := s.get(ctx, keysURL.String(), &list); err != nil {
		return nil, err
	}
	keys := list.usable(s, document.Issuer)
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s: none of %d keys can be used for RS256", excerpt.Short(document.KeysURL), len(list.Keys))
	}
	return &keySet{issuer: document.Issuer, keys: keys}, nil
}

// get fetches a JSON document.
func (s *source) get(ctx context.Context, target string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: answered with %d, want 200; compare TenantID and Authority", excerpt.Short(target), resp.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = fmt.Errorf("longer than %d bytes", maxDocument)
	}
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		return fmt.Errorf("%s: read document: %s", excerpt.Short(target), excerpt.Short(err.Error()))
	}
	return nil
}

// jwks is a JSON Web Key Set.
type jwks struct {
	Keys []jwk `json:"keys"`
}

type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	ID        string `json:"kid"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
	Issuer    string `json:"issuer"` // Microsoft's own member, in version 2.0
}

// usable returns the keys for RS256 by their ids. It omits others, so that a new kind of
// key does not invalidate the document. In version 2.0 it also omits the keys of other
// issuers: an issuer of a key may have {tenantid} in place of the tenant.
func (s *jwks) usable(from *source, issuer string) map[string]*rsa.PublicKey {
	keys := make(map[string]*rsa.PublicKey, len(s.Keys))
	for i := range s.Keys {
		k := &s.Keys[i]
		if from.version != "" && k.Issuer != "" && strings.ReplaceAll(k.Issuer, "{tenantid}", from.tenant) != issuer {
			continue
		}
		if key := k.rsa(); key != nil {
			keys[k.ID] = key
		}
	}
	return keys
}

// rsa returns the key, or nil if it is not for RS256.
func (k *jwk) rsa() *rsa.PublicKey {
	if k.Type != "RSA" || k.ID == "" || k.Use != "" && k.Use != "sig" || k.Algorithm != "" && k.Algorithm != "RS256" {
		return nil
	}
	n, err := base64.RawURLEncoding.DecodeString(k.Modulus)
	if err != nil || len(n) > maxKeyBits/8 {
		return nil
	}
	e, err := base64.RawURLEncoding.DecodeString(k.Exponent)
	if err != nil || len(e) > 4 {
		return nil
	}
	exponent := new(big.Int).SetBytes(e).Int64()
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent)}
	if key.N.BitLen() < minKeyBits || key.N.Bit(0) == 0 || exponent < 3 || exponent%2 == 0 || exponent > 1<<31-1 {
		return nil
	}
	return key
}
