package client_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

func TestMessageFields(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		var groups []*client.GroupMessage
		var servers []*client.ServerMessage
		c.OnGroupMessage(func(_ context.Context, m *client.GroupMessage) { groups = append(groups, m) })
		c.OnServerMessage(func(_ context.Context, m *client.ServerMessage) { servers = append(servers, m) })
		p := f.start(c)
		p.send(`{"sequenceId":7,"type":"message","from":"group","group":"g","fromUserId":null,"dataType":"text","data":"x","metadata":{"a":"b"}}`,
			`{"sequenceId":8,"type":"message","from":"server","dataType":"text","data":"y","metadata":{"c":"d"}}`)
		synctest.Wait()
		require.Len(t, groups, 1)
		assert.Equal(t, []any{"g", "", "x", map[string]string{"a": "b"}, uint64(7)}, []any{groups[0].Group, groups[0].FromUserID, groups[0].Data.String(), groups[0].Metadata, groups[0].SequenceID})
		require.Len(t, servers, 1)
		assert.Equal(t, []any{"y", map[string]string{"c": "d"}, uint64(8)}, []any{servers[0].Data.String(), servers[0].Metadata, servers[0].SequenceID})
	})
}
