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

// maxHint is the maximum number of bytes that a hint shows of a name.
const maxHint = 128

// hintOfHandshake returns the likely cause of a failed handshake and how to fix it.
// It is empty if the status is ambiguous.
func hintOfHandshake(status int, u *url.URL) string {
	host := excerpt.Cut(u.Host, maxHint)
	switch {
	case status == http.StatusUnauthorized:
		if expiry := expiryOf(u.Query().Get(paramAccessToken)); !expiry.IsZero() && time.Now().After(expiry) {
			return fmt.Sprintf("the token in the client URL expired at %s; use a Credential that makes a new URL for each connection", expiry.UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("the token in the client URL is not valid for this hub of %s; check the key and the endpoint that it was made with", host)
	case status < http.StatusBadRequest, status == http.StatusNotFound:
		return fmt.Sprintf("%s is not a client endpoint; use the URL of ClientAccess, such as wss://<name>.webpubsub.azure.com/client/hubs/<hub>", host)
	}
	return ""
}

// expiryOf returns the expiry time of a token, which is not verified. It returns the
// zero time if the token has none.
func expiryOf(token string) (expiry time.Time) {
	_, payload, _ := strings.Cut(token, ".")
	payload, _, _ = strings.Cut(payload, ".")
	claimsJSON, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct {
		Expiry float64 `json:"exp"`
	}
	if err == nil && json.Unmarshal(claimsJSON, &claims) == nil && claims.Expiry >= 1 && claims.Expiry <= 1<<40 {
		expiry = time.Unix(int64(claims.Expiry), 0)
	}
	return expiry
}

const (
	needsRole   = "the client needs the role %q, in its token or in the reply to its connect event"
	needsMember = "the client must have joined the group, and needs the role %q, in its token or in the reply to its connect event"
)

// hintOfRefusal returns what the client lacks for a forbidden request.
func hintOfRefusal(f *frame.Failure, kind frame.RequestKind, group string) string {
	if f == nil || f.Name != nameForbidden {
		return ""
	}
	needs := needsRole
	role := rule.RoleJoinLeave
	switch kind {
	case frame.JoinGroup, frame.LeaveGroup:
	case frame.SendToGroup, frame.StreamStart:
		role = rule.RoleSend
	case frame.SetGroupState:
		role, needs = rule.RoleSetState, needsMember
	case frame.SubscribeGroupState:
		role, needs = rule.RoleGetState, needsMember
	default:
		return ""
	}
	return fmt.Sprintf(needs, excerpt.Cut(role+"."+group, maxHint))
}
