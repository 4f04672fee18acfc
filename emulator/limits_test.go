package emulator_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

func ackFull(id, most int) string {
	return fmt.Sprintf(`{"type":"ack","ackId":%d,"success":false,"error":{"name":"BadRequest","message":"The client is in %d groups, the maximum."}}`, id, most)
}

func TestGroupsLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{MaxGroups: 2})
		full, other := r.member("ann", "a"), r.member("ann")
		join := func(group string, id int) string {
			return fmt.Sprintf(`{"type":"joinGroup","group":%q,"ackId":%d}`, group, id)
		}
		full.send(join("b", 1), join("c", 2), join("b", 3))
		full.expect(acked, ackFull(2, 2), `{"type":"ack","ackId":3,"success":true}`)
		assert.Equal(t, http.StatusNotFound, r.rest("HEAD", "/groups/c", "", ""))

		assert.Equal(t, http.StatusConflict, r.rest("PUT", "/groups/c/connections/"+full.id(), "", ""))
		assert.Equal(t, http.StatusOK, r.rest("PUT", "/groups/b/connections/"+full.id(), "", ""), "already a member")
		assert.Equal(t, http.StatusConflict, r.rest("PUT", "/users/ann/groups/c", "", ""), "one of the user's connections is full")
		assert.Equal(t, http.StatusAccepted, r.rest("POST", "/groups/c/:send", "text/plain", "hi"))
		assert.Equal(t, "hi", other.next()["data"], "the other has joined")
		assert.Equal(t, http.StatusConflict, r.rest("POST", "/:addToGroups", "application/json", `{"groups":["b","d"]}`))
		full.quiet()

		full.send(`{"type":"leaveGroup","group":"a","ackId":4}`, join("c", 5))
		full.expect(`{"type":"ack","ackId":4,"success":true}`, `{"type":"ack","ackId":5,"success":true}`)
	})
}

// TestInitialGroupsLimit tests the groups of a token and of an answer to connect.
func TestInitialGroupsLimit(t *testing.T) {
	t.Parallel()
	many := make([]string, emulator.DefaultMaxGroups+1)
	for i := range many {
		many[i] = fmt.Sprint("g", i)
	}
	for _, tc := range []struct {
		name     string
		max      int
		token    []string
		answered string
		status   int
		body     string
		events   []string
	}{
		{"token", 2, []string{"a", "b"}, "", 101, "", []string{"OPTIONS", "connect", "connected", "joined", "joined"}},
		{"token, one twice", 2, []string{"a", "b", "a"}, "", 101, "", []string{"OPTIONS", "connect", "connected", "joined", "joined"}},
		{"token, too many", 2, []string{"a", "b", "c"}, "", 400, "the token has more than 2 groups\n", nil},
		{"token, too many by default", 0, many, "", 400, "the token has more than 1000 groups\n", nil},
		{"token, as many as the default allows", 0, many[1:], `{"groups":["a"]}`, 101, "", []string{"OPTIONS", "connect", "connected", "joined"}},
		{"handler", 2, nil, `{"groups":["a","b"]}`, 101, "", []string{"OPTIONS", "connect", "connected", "joined", "joined"}},
		{"handler, too many", 2, nil, `{"groups":["a","b","c"]}`, 500, "Internal Server Error\n", []string{"OPTIONS", "connect"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &script{on: map[string]http.HandlerFunc{}}
				if tc.answered != "" {
					h.on["connect"] = answer(http.StatusOK, "", tc.answered)
				}
				cfg := chat(h)
				cfg.MaxGroups = tc.max
				r := newRig(t, cfg)
				p, resp := r.try(r.clientURL("ann", "", tc.token...), nil)
				require.Equal(t, tc.status, resp.StatusCode)
				if p == nil {
					body, err := io.ReadAll(resp.Body)
					require.NoError(t, err)
					assert.Equal(t, tc.body, string(body))
				}
				assert.Equal(t, strings.Join(tc.events, " "), strings.Join(h.settled(), " "))
			})
		})
	}
}
