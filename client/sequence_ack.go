package client

import (
	"sync/atomic"
	"time"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
)

// When messages are acknowledged: at the latest after so many and after so long.
const (
	ackEvery = 300
	ackDelay = time.Second
)

// sequenceAcks tells the service of a reliable connection which messages have come.
type sequenceAcks struct {
	ws    *socket
	timer *time.Timer
	armed atomic.Bool
	sent  atomic.Uint64 // the last id acknowledged
	count int           // messages since; the reader's own
}

func newSequenceAcks(ws *socket) *sequenceAcks {
	a := &sequenceAcks{ws: ws}
	a.timer = time.AfterFunc(ackDelay, func() {
		a.armed.Store(false)
		a.flush()
	})
	a.timer.Stop()
	return a
}

// take notes that a message has come, whose id is the connection's last by now.
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

// flush acknowledges all that has come.
func (a *sequenceAcks) flush() {
	if last := a.ws.conn.last.Load(); a.sent.Swap(last) != last {
		a.ws.tell(&frame.Request{Kind: frame.SequenceAck, Sequence: last})
	}
}

func (a *sequenceAcks) stop() {
	if a != nil {
		a.timer.Stop()
	}
}
