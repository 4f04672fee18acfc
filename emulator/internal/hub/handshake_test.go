package hub_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/emulator/internal/role"
)

// decider is an event handler with a fixed decision. It records abandoned clients.
type decider struct {
	ends
	decision  *hub.Decision
	err       error
	abandoned []string
}

func (d *decider) Connect(context.Context, *hub.Hub, *hub.Handshake) (*hub.Decision, error) {
	return d.decision, d.err
}

func (d *decider) Abandoned(id, reason string) { d.abandoned = append(d.abandoned, id+reason) }

func accept(d *decider, in hub.Handshake) (*hub.Client, error) {
	cfg := hub.Config{Events: d, Clock: hub.SystemClock{}, MaxGroups: 2}
	return hub.New(cfg).Hub("chat").Accept(&in)
}

func TestAccept(t *testing.T) {
	t.Parallel()
	ann, bob, none := "ann", "bob", ""
	in := hub.Handshake{
		ConnectionID: "c", Preferred: "json", Subprotocols: []string{"json", "Own"},
		Claims: map[string][]string{"sub": {ann}, "role": {"webpubsub.sendToGroup.a"}, "webpubsub.group": {"a", "a", "b"}},
	}
	for name, tc := range map[string]struct {
		decision *hub.Decision
		want     hub.Client // without roles
		sendsTo  string
	}{
		"no decision":    {nil, hub.Client{UserID: &ann, Subprotocol: "json", Groups: []string{"a", "a", "b"}}, "a"},
		"empty decision": {&hub.Decision{Groups: []string{}}, hub.Client{UserID: &ann, Subprotocol: "json", Groups: []string{"a", "a", "b"}}, "a"},
		"all is decided": {&hub.Decision{&bob, []string{"c"}, []string{"webpubsub.sendToGroup.b"}, "own"}, hub.Client{UserID: &bob, Subprotocol: "Own", Groups: []string{"c"}}, "b"},
		"no user":        {&hub.Decision{UserID: &none}, hub.Client{Subprotocol: "json", Groups: []string{"a", "a", "b"}}, "a"},
		"no roles":       {&hub.Decision{Roles: []string{}}, hub.Client{UserID: &ann, Subprotocol: "json", Groups: []string{"a", "a", "b"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &decider{decision: tc.decision}
			got, err := accept(d, in)
			require.NoError(t, err)
			for _, group := range []string{"a", "b"} {
				assert.Equal(t, group == tc.sendsTo, got.Roles.Allows(role.Send, group), group)
			}
			tc.want.ID, got.Roles = "c", role.Set{}
			assert.Equal(t, &tc.want, got)
			assert.Empty(t, d.abandoned)
		})
	}
}

func TestAcceptErrors(t *testing.T) {
	t.Parallel()
	refusal := &hub.RefusalError{Status: 403, Text: "go"}
	groups := func(names ...string) map[string][]string { return map[string][]string{"webpubsub.group": names} }
	for name, tc := range map[string]struct {
		claims    map[string][]string
		decision  *hub.Decision
		err       error
		want      string
		abandoned bool
	}{
		"token's group":   {claims: groups(" "), want: "*hub.TokenError: The token contains an invalid group name."},
		"token's groups":  {claims: groups("a", "b", "c"), want: "*hub.TokenError: the token has more than 2 groups"},
		"refused":         {err: refusal, want: `*hub.RefusalError: the event handler answered 403: "go"`},
		"answer's groups": {decision: &hub.Decision{Groups: []string{"a", "b", "c"}}, want: "*errors.errorString: the answer to connect has more than 2 groups", abandoned: true},
		"subprotocol": {
			decision: &hub.Decision{Subprotocol: "other"}, abandoned: true,
			want: "*errors.errorString: the connect event handler selected unrequested subprotocol 'other'",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &decider{decision: tc.decision, err: tc.err}
			_, err := accept(d, hub.Handshake{ConnectionID: "c", Subprotocols: []string{"own"}, Claims: tc.claims})
			require.Error(t, err)
			assert.Equal(t, tc.want, fmt.Sprintf("%T: %v", err, err))
			assert.Equal(t, tc.abandoned, len(d.abandoned) == 1)
		})
	}
}
