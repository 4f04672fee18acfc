package redis_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"
)

const slots = 16384

// cluster is three servers, each of which has a third of the slots.
type cluster struct {
	nodes []*node
}

// node is a server of a cluster.
type node struct {
	*server
	port, bus string
}

// startCluster runs a cluster until the test ends.
func startCluster(tb testing.TB, args ...string) *cluster {
	tb.Helper()
	c := &cluster{}
	for range 3 {
		c.nodes = append(c.nodes, startNode(tb, args...))
	}
	for i, n := range c.nodes {
		client := n.admin(tb)
		do(tb, client, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
		first, last := (i*slots+2)/3, ((i+1)*slots+2)/3-1 // the slots s with s*3/slots == i
		do(tb, client, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(last))
	}
	for _, n := range c.nodes[1:] {
		do(tb, c.nodes[0].admin(tb), "CLUSTER", "MEET", "127.0.0.1", n.port, n.bus)
	}
	for _, n := range c.nodes {
		client := n.admin(tb)
		require.Eventually(tb, func() bool {
			info, err := do(tb, client, "CLUSTER", "INFO").ToString()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		}, time.Minute, 20*time.Millisecond)
	}
	return c
}

// startNode runs a server of a cluster.
func startNode(tb testing.TB, args ...string) *node {
	tb.Helper()
	n := &node{}
	n.server, n.port = startOnPort(tb, func(port string) []string {
		n.bus = freePort(tb)
		return append([]string{"--port", port, "--cluster-enabled", "yes", "--cluster-port", n.bus, "--cluster-node-timeout", "60000"}, args...)
	})
	return n
}

// client returns a client that knows one server of the cluster.
func (c *cluster) client(tb testing.TB) rueidis.Client {
	tb.Helper()
	return newClient(tb, "redis://127.0.0.1:"+c.nodes[0].port)
}

// admin returns a client for commands about one server.
func (n *node) admin(tb testing.TB) rueidis.Client {
	tb.Helper()
	opt := optionsOf(tb, "unix://"+n.socket)
	opt.ForceSingleClient = true
	client, err := rueidis.NewClient(opt)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}
