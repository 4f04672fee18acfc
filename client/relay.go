package client

import (
	"errors"
	"sync/atomic"
	"time"
)

// relayAfter is the time after which the reading goroutine is relieved of a callback, and
// the interval at which it is if it happens to be in one. Each interval with callbacks wakes
// two threads for the timer, which at 10 ms is a tenth of the cost of 2,000 messages a second.
const relayAfter = 100 * time.Millisecond

var (
	errStopping = errors.New("the client is stopping")
	errRelieved = errors.New("another goroutine reads")
)

// relay lets the goroutine that reads call a callback, which saves waking the dispatcher's.
// If the callback takes long, or an operation waits for an answer of the service, another
// goroutine goes on reading. The first goroutine ends when the callback has returned.
type relay struct {
	read  func()        // goes on reading; set by the reading goroutine
	turn  atomic.Uint64 // odd while the reading goroutine calls back; never the same again
	timer *time.Timer
	armed atomic.Bool
}

func newRelay() *relay {
	r := new(relay)
	r.timer = time.AfterFunc(relayAfter, r.watch)
	r.timer.Stop()
	return r
}

// begin is called by the reading goroutine before a callback.
func (r *relay) begin() (turn uint64) {
	turn = r.turn.Add(1)
	if !r.armed.Swap(true) {
		r.timer.Reset(relayAfter)
	}
	return turn
}

// end is called after the callback. It reports whether the goroutine still has to read.
func (r *relay) end(turn uint64) bool { return r.turn.CompareAndSwap(turn, turn+1) }

// relieve makes another goroutine read if the reading goroutine is calling back.
func (r *relay) relieve() { r.relieveOf(r.turn.Load()) }

func (r *relay) relieveOf(turn uint64) {
	if turn%2 == 1 && r.turn.CompareAndSwap(turn, turn+1) {
		go r.read()
	}
}

// watch relieves the reading goroutine of a callback, however short. A goroutine that is
// busy with callbacks is soon found in one: then the queue fills, and the dispatcher calls
// back until it is empty. The next callback arms the timer again.
func (r *relay) watch() {
	r.armed.Store(false)
	r.relieve()
}

// callBack delivers an item that the queue has lent to the reading goroutine. The error is
// errRelieved if that goroutine must not read any more.
func (s *session) callBack(it *item) (err error) {
	turn := s.relay.begin()
	if s.waits.any() { // they have relieved the goroutine of earlier callbacks only
		s.relay.relieveOf(turn)
	}
	returned := false
	defer func() {
		reads := s.relay.end(turn)
		s.dispatch.queue.giveBack()
		switch {
		case !reads:
			err = errRelieved
		case !returned: // the callback has ended its goroutine, as FailNow of package testing does
			go s.relay.read()
		}
	}()
	s.dispatch.deliver(it)
	returned = true
	return nil
}
