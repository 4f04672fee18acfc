package client

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// maxHint is how many bytes of a name a hint shows.
const maxHint = 128

// hintOfHandshake returns the likely reason for the status of a handshake that
// failed, and the remedy. It is empty if the status leaves the reason open.
func hintOfHandshake(status int, u *url.URL) string {
	host := excerpt.Cut(u.Host, maxHint)
	switch {
	case status == http.StatusUnauthorized:
		if expiry, ok := expiryOf(u.Query().Get(paramAccessToken)); ok && time.Now().After(expiry) {
			return fmt.Sprintf("the token in the client URL expired at %s; a Credential that makes a URL for each connection avoids that", expiry.UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("the token in the client URL is not one of %s for this hub; check the key and the endpoint that made it", host)
	case status < http.StatusBadRequest, status == http.StatusNotFound:
		return fmt.Sprintf("clients do not connect there; want the URL of ClientAccess, such as wss://<name>.webpubsub.azure.com/client/hubs/<hub>, but the host is %s", host)
	}
	return ""
}

// expiryOf reads when a token expires. The service verifies the token; here its
// claim only explains a refusal.
func expiryOf(token string) (time.Time, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Expiry float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Expiry < 1 || claims.Expiry > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(claims.Expiry), 0), true
}

// hintOfRefusal returns the role that a client lacks for a request of a kind that
// the service has forbidden.
func hintOfRefusal(f *frame.Failure, kind frame.RequestKind, group string) string {
	if f == nil || f.Name != nameForbidden {
		return ""
	}
	role := rule.RoleJoinLeave
	switch kind {
	case frame.JoinGroup, frame.LeaveGroup:
	case frame.SendToGroup, frame.StreamStart:
		role = rule.RoleSend
	default:
		return ""
	}
	return fmt.Sprintf("the client needs the role %q, in its token or in the reply to its connect event", excerpt.Cut(role+"."+group, maxHint))
}
