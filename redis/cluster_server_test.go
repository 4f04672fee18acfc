package redis_test

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/redis"
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

// startNode runs a server of a cluster. It tries other ports if another process takes one
// that was free.
func startNode(tb testing.TB, args ...string) *node {
	tb.Helper()
	var err error
	var log *serverLog
	for range 10 {
		n := &node{port: freePort(tb), bus: freePort(tb)}
		n.server = newServer(tb, append([]string{
			"--port", n.port, "--cluster-enabled", "yes", "--cluster-port", n.bus, "--cluster-node-timeout", "5000",
		}, args...)...)
		if err = n.start(); err == nil {
			return n
		}
		log = n.log
	}
	require.NoError(tb, err, "redis-server: %v", log)
	return nil
}

func freePort(tb testing.TB) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(tb, err)
	return port
}

// client returns a client that knows one server of the cluster.
func (c *cluster) client(tb testing.TB) rueidis.Client {
	tb.Helper()
	return newClient(tb, "redis://127.0.0.1:"+c.nodes[0].port)
}

// admin returns a client for commands about one server.
func (n *node) admin(tb testing.TB) rueidis.Client {
	tb.Helper()
	opt, err := redis.ParseURL("unix://" + n.socket)
	require.NoError(tb, err)
	opt.ForceSingleClient = true
	client, err := rueidis.NewClient(opt)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}
