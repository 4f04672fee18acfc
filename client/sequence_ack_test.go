package client_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/client"
)

func TestSequenceAcks(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c, p := f.started(nil)
		start := time.Now()
		p.send(group(1, "a"), group(2, "b"))
		p.expect(`{"type":"sequenceAck","sequenceId":2}`)
		assert.Equal(t, time.Second, time.Since(start))
		p.quiet(10 * time.Second)
		_ = c
	})
	bubble(t, func(t *testing.T) { // by count
		f := newFake(t)
		_, p := f.started(nil)
		acks := make(chan string, 10)
		go func() {
			for range 3 {
				acks <- p.next()
			}
		}()
		start := time.Now()
		for i := range 700 {
			p.send(group(i+1, "x"))
		}
		synctest.Wait()
		assert.JSONEq(t, `{"type":"sequenceAck","sequenceId":300}`, <-acks)
		assert.JSONEq(t, `{"type":"sequenceAck","sequenceId":600}`, <-acks)
		assert.Zero(t, time.Since(start))
		assert.JSONEq(t, `{"type":"sequenceAck","sequenceId":700}`, <-acks)
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// TestSequenceAckOfUnknownFrames checks that unknown frames are acknowledged, so
// that the service does not send them again.
func TestSequenceAckOfUnknownFrames(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var errs []string
		c := f.client(&client.Options{OnError: func(_ context.Context, err error) { errs = append(errs, err.Error()) }})
		seen := record(c)
		p := f.start(c)
		bad := `{"sequenceId":2,"type":"message","from":"server","dataType":"later","data":"x"}`
		p.send(group(1, "a"), bad)
		p.expect(`{"type":"sequenceAck","sequenceId":2}`)
		p.drop()
		p = f.recovered("id-1")
		p.send(bad, group(3, "b"))
		assert.Equal(t, []string{"connected ann", "g/bob: a", "recovering", "recovered", "g/bob: b"}, seen.settled())
		assert.Equal(t, []string{"client: Receive: member dataType is missing or unknown"}, errs)
	})
}
