package emulator_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// Like the service, the emulator ignores unknown roles, but it logs them.
func TestIgnoredRolesAreLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRig(t, emulator.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
		for range 2 {
			p := r.json(r.clientURL("ann", "sendToGroup.lobby webpubsub.joinLeaveGroup admin"), plainJSON)
			p.send(`{"type":"sendToGroup","group":"lobby","ackId":1,"dataType":"text","data":"x"}`)
			p.expect(`{"type":"ack","ackId":1,"success":false,"error":{"name":"Forbidden","message":"The client does not have permission to send to group 'lobby'."}}`)
		}
		synctest.Wait()
		out := log.String()
		assert.Equal(t, 1, strings.Count(out, `role \"sendToGroup.lobby\" is unknown to the service, which ignores it; did you mean \"webpubsub.sendToGroup.lobby\"?`), out)
		assert.Equal(t, 1, strings.Count(out, `role \"admin\" is unknown to the service`), out)
		assert.Equal(t, 2, strings.Count(out, "role ignored"), out)

		roles := make([]string, 100)
		for i := range roles {
			roles[i] = fmt.Sprintf("sendToGroup%d", i)
		}
		r.json(r.clientURL("ann", strings.Join(roles, " ")), plainJSON)
		synctest.Wait()
		assert.Equal(t, 32, strings.Count(log.String(), "role ignored"), "bounded")
	})
}

// TestRolesBeyondTheLimits checks that a client connects with the roles within the limits
// and that the log reports the others, for roles of a token and of an event handler.
func TestRolesBeyondTheLimits(t *testing.T) {
	t.Parallel()
	var roles []string
	for i := range 10 {
		roles = append(roles, fmt.Sprintf("webpubsub.sendToGroups.%d.*", i))
	}
	byToken := func(*script) string { return strings.Join(roles, " ") }
	byHandler := func(h *script) string {
		h.on = connectAnswer(answer(200, "", `{"roles":["`+strings.Join(roles, `","`)+`"]}`)).on
		return ""
	}
	for name, given := range map[string]func(*script) string{"token": byToken, "handler": byHandler} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged logBook
				h := &script{}
				inToken := given(h)
				cfg := chat(h)
				cfg.Logger = logged.logger()
				r := newRig(t, cfg)
				p := r.json(r.clientURL("ann", inToken), plainJSON)
				p.send(`{"type":"sendToGroup","group":"8.x","data":1,"ackId":1}`, `{"type":"sendToGroup","group":"9.x","data":1,"ackId":2}`)
				p.expect(acked)
				assert.Equal(t, false, p.next()["success"])
				assert.Contains(t, logged.String(), `msg="too many roles" hub=chat connection_id=`+p.id()+` left_out=1 reason="a client has at most 9 patterns and 1000 single groups for each permission"`)
			})
		})
	}
}
