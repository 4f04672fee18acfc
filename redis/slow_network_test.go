package redis_test

import (
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"
)

// roundTrip is that between two machines of a data center.
const roundTrip = 500 * time.Microsecond

// newDistantClient returns a client to which everything arrives a round trip later.
func newDistantClient(tb testing.TB, url string) rueidis.Client {
	tb.Helper()
	opt := optionsOf(tb, url)
	opt.DialCtxFn = func(ctx context.Context, address string, dialer *net.Dialer, _ *tls.Config) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		d := &distant{Conn: conn, arrived: make(chan arrival, 1024)}
		go d.receive()
		return d, nil
	}
	client, err := rueidis.NewClient(opt)
	require.NoError(tb, err)
	tb.Cleanup(client.Close)
	return client
}

// distant is a connection whose data can be read a round trip after they have arrived.
type distant struct {
	net.Conn
	arrived chan arrival
	rest    []byte
}

type arrival struct {
	data []byte
	due  time.Time
	err  error
}

// receive ends when the connection is closed.
func (d *distant) receive() {
	for {
		buffer := make([]byte, 1<<16)
		n, err := d.Conn.Read(buffer)
		d.arrived <- arrival{buffer[:n], time.Now().Add(roundTrip), err}
		if err != nil {
			return
		}
	}
}

func (d *distant) Read(b []byte) (int, error) {
	if len(d.rest) == 0 {
		a := <-d.arrived
		for time.Now().Before(a.due) { // a timer is late by up to a millisecond
			runtime.Gosched()
		}
		if len(a.data) == 0 {
			return 0, a.err
		}
		d.rest = a.data
	}
	n := copy(b, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}
