package rule

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// maxAudience is how many bytes an audience can have. An application id URI has at
// most 255 characters.
const maxAudience = 255

// graphIDs are the application ids of Microsoft Graph and its predecessor.
var graphIDs = []string{"00000003-0000-0000-c000-000000000000", "00000002-0000-0000-c000-000000000000"}

// graphHosts are their hosts in all clouds.
var graphHosts = []string{
	"graph.microsoft.com", "graph.windows.net",
	"graph.microsoft.us", "dod-graph.microsoft.us", "graph.microsoftazure.us",
	"microsoftgraph.chinacloudapi.cn", "graph.chinacloudapi.cn",
}

// CheckAudience returns an error unless a handler can verify tokens with the audience
// (aud). Nobody but Microsoft Graph can verify tokens for Microsoft Graph, which the
// service requests if its setting is empty.
func CheckAudience(audience string) error {
	const remedy = "want the client id or the application id URI of your own app registration"
	switch {
	case audience == "":
		return errors.New("is empty: the service then requests a token for Microsoft Graph, which no handler can verify; " + remedy)
	case isGraph(audience):
		return fmt.Errorf("%q is Microsoft Graph, whose tokens no handler can verify; %s", excerpt.Short(audience), remedy)
	case len(audience) > maxAudience:
		return fmt.Errorf("%q has %d bytes, want at most %d; %s", excerpt.Short(audience), len(audience), maxAudience, remedy)
	case strings.ContainsFunc(audience, func(c rune) bool { return c <= ' ' || c > '~' }):
		return fmt.Errorf("%q has a space or another character that is not printable ASCII; %s", excerpt.Short(audience), remedy)
	}
	return nil
}

func isGraph(audience string) bool {
	lower := strings.Trim(strings.ToLower(audience), "/ ")
	lower = strings.TrimPrefix(lower, "spn:")
	if slices.Contains(graphIDs, lower) || slices.Contains(graphHosts, lower) {
		return true
	}
	u, err := url.Parse(lower)
	return err == nil && (slices.Contains(graphHosts, u.Hostname()) || slices.Contains(graphIDs, u.Hostname()))
}

// IsGUID reports whether s is a GUID with hyphens and without braces, as Entra writes
// the ids of tenants, applications and objects.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
