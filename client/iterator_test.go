package client_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

func TestIterators(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{QueueSize: 10})
		all, servers := c.GroupMessages(t.Context()), c.ServerMessages(t.Context()) // before the start
		p := f.start(c)
		go p.drain()
		go func() {
			for i := range 100 {
				p.send(group(i+1, fmt.Sprint(i)))
			}
			p.send(`{"type":"message","from":"server","dataType":"text","data":"over"}`)
		}()
		synctest.Wait()
		n := 0
		for m := range all { // slower than the service; nothing is lost
			require.Equal(t, fmt.Sprint(n), m.Data.String())
			if n++; n == 100 {
				break
			}
			<-time.After(time.Second)
		}
		for range all {
			require.Fail(t, "it can be used once")
		}
		for m := range servers {
			assert.Equal(t, "over", m.Data.String())
			break
		}

		// It ends with its context, also if it is not used.
		ctx, cancel := context.WithCancel(t.Context())
		unused, used := c.GroupMessages(ctx), make(chan int)
		go func() {
			n := 0
			for range c.GroupMessages(ctx) {
				n++
			}
			used <- n
		}()
		synctest.Wait()
		for i := range 15 {
			p.send(group(101+i, "x"))
		}
		synctest.Wait()
		cancel()
		assert.GreaterOrEqual(t, <-used, 10)
		for range unused {
			require.Fail(t, "its context has ended")
		}
		for i := range 100 { // the client reads again
			p.send(group(116+i, "x"))
		}

		// It ends with the client, after the messages that wait.
		synctest.Wait()
		last, got := c.GroupMessages(t.Context()), []string(nil)
		p.send(group(216, "y"), group(217, "z"))
		synctest.Wait()
		for m := range last {
			got = append(got, m.Data.String())
			require.NoError(t, c.Stop(t.Context()), "also in the loop body")
		}
		assert.Equal(t, []string{"y", "z"}, got)
	})
}
