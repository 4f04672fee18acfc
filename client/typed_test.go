package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

func TestTypedCallbacks(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		type note struct{ N int }
		f := newFake(t)
		seen := new(recorder)
		c := f.client(&client.Options{OnError: func(_ context.Context, err error) {
			var e *client.DecodeError
			require.ErrorAs(t, err, &e)
			require.Error(t, errors.Unwrap(err))
			seen.note(err.Error())
		}})
		unregister := client.OnGroupJSON(c, "g", func(_ context.Context, m *client.GroupMessage, v note) { seen.note(fmt.Sprint("g ", m.Group, v.N)) })
		client.OnGroupJSON(c, "", func(_ context.Context, m *client.GroupMessage, v note) { seen.note(fmt.Sprint("all ", m.Group, v.N)) })
		client.OnServerJSON(c, func(_ context.Context, _ *client.ServerMessage, v note) { seen.note(fmt.Sprint("server ", v.N)) })
		p := f.start(c)
		message := func(from, dataType, data string) string {
			return fmt.Sprintf(`{"type":"message",%s,"dataType":%q,"data":%s}`, from, dataType, data)
		}
		inGroup, inOther, server := `"from":"group","group":"g"`, `"from":"group","group":"h"`, `"from":"server"`
		p.send(message(inGroup, "json", `{"n":1}`), message(inOther, "text", `"{\"n\":2}"`), message(server, "json", `{"n":3}`))
		assert.Equal(t, []string{"g g1", "all g1", "all h2", "server 3"}, seen.settled())
		unregister()
		p.send(message(inGroup, "json", `"secret"`), message(server, "binary", `"AA=="`))
		assert.Equal(t, []string{
			`client: decode message of group "g": JSON string does not fit client_test.note in member "" at byte 8`,
			"client: decode server message: payload is binary, want json or text",
		}, seen.settled())
	})
}
