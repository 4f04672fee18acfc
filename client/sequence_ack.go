package client

import (
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// A message is acknowledged after ackEvery messages or ackDelay, whichever is first.
const (
	ackEvery = 300
	ackDelay = time.Second
)

// sequenceAcks acknowledges the messages of a reliable connection.
type sequenceAcks struct {
	ws    *socket
	s     *session
	timer *time.Timer
	armed atomic.Bool
	sent  atomic.Uint64 // the last acknowledged id
	count int           // messages since then; used by the reading goroutine only
}

func newSequenceAcks(ws *socket, s *session) *sequenceAcks {
	a := &sequenceAcks{ws: ws, s: s}
	a.timer = time.AfterFunc(ackDelay, func() {
		a.armed.Store(false)
		a.flush()
	})
	a.timer.Stop()
	return a
}

// take counts a message. Its sequence id is already the last of the connection.
func (a *sequenceAcks) take() {
	if a.count++; a.count >= ackEvery {
		a.flush()
		a.count = 0
		return
	}
	if !a.armed.Swap(true) {
		a.timer.Reset(ackDelay)
	}
}

// flush acknowledges all messages so far.
func (a *sequenceAcks) flush() {
	if last := a.ws.conn.last.Load(); a.sent.Swap(last) != last {
		a.ws.tell(&frame.Request{Kind: frame.SequenceAck, Sequence: last})
		traced(a.s.dispatch.base, a.s.dispatch, a.s.trace().Acknowledged, AcknowledgedInfo{ConnectionID: a.ws.conn.id, SequenceID: last})
	}
}

func (a *sequenceAcks) stop() {
	if a != nil {
		a.timer.Stop()
	}
}
