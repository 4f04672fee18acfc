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

func TestInvokeJSON(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		type sum struct{ Total int }
		f := newFake(t)
		c, p := f.started(nil)
		call := func(in any, request, answer string) (sum, error) {
			var out sum
			var err error
			done := make(chan struct{})
			go func() {
				defer close(done)
				out, err = client.InvokeJSON[sum](t.Context(), c, "add", in, &client.InvokeOptions{InvocationID: "i"})
			}()
			p.expect(`{"type":"invoke","invocationId":"i","target":"event","event":"add"` + request + `}`)
			p.send(`{"type":"invokeResponse","invocationId":"i"` + answer + `}`)
			<-done
			return out, err
		}
		out, err := call([]int{1, 2}, `,"dataType":"json","data":[1,2]`, `,"success":true,"dataType":"json","data":{"total":3}`)
		require.NoError(t, err)
		assert.Equal(t, sum{3}, out)
		out, err = call(client.Data{}, ``, `,"success":true,"dataType":"text","data":"{\"total\":4}"`)
		require.NoError(t, err)
		assert.Equal(t, sum{4}, out)
		out, err = call("x", `,"dataType":"json","data":"x"`, `,"success":true,"dataType":"json","data":{"total":"secret"}`)
		require.EqualError(t, err, `client: InvokeEvent: decode answer: JSON string does not fit int in member "Total" at byte 17`)
		assert.Zero(t, out)
		_, err = call("x", `,"dataType":"json","data":"x"`, `,"success":true`)
		require.EqualError(t, err, "client: InvokeEvent: decode answer: payload is none, want json or text")
		_, err = call("x", `,"dataType":"json","data":"x"`, `,"success":false,"error":{"name":"Forbidden","message":"no"}`)
		require.ErrorIs(t, err, client.ErrForbidden)
		_, err = client.InvokeJSON[sum](t.Context(), c, "add", func() {}, nil)
		require.ErrorIs(t, err, client.ErrInvalid)
	})
}
