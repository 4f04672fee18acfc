package presence_test

import (
	"testing"
	"testing/synctest"
	"time"
)

const (
	seeds = 250
	steps = 150
)

// TestAllEventsAreDelivered: events arrive in any order and more than once, and rounds are
// made while events are on their way and arrive. When all have arrived, the trackers know the
// truth.
func TestAllEventsAreDelivered(t *testing.T) {
	t.Parallel()
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, random(seed), false)
			defer m.onFailure(seed)
			m.run(steps)
			m.check()
		})
		if t.Failed() {
			return
		}
	}
}

// TestEventsAreLost: one round after the last event that arrives, the trackers know the truth.
func TestEventsAreLost(t *testing.T) {
	t.Parallel()
	lost := 0
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, random(seed), true)
			defer m.onFailure(seed)
			m.run(steps)
			m.settle()
			m.check()
			lost += m.lost
		})
		if t.Failed() {
			return
		}
	}
	if lost < 10*seeds {
		t.Errorf("only %d events were lost", lost)
	}
}

// settle makes a round during which nothing happens.
func (m *model) settle() {
	<-time.After(time.Second)
	m.quiet = true
	m.round()
}

// FuzzPresence: as the properties, with decisions of the fuzzer.
func FuzzPresence(f *testing.F) {
	f.Add([]byte("connect, join and leave, and then some more of this and that"), false)
	f.Add([]byte{0, 9, 0, 0, 14, 0, 0, 0, 0, 19, 1, 3}, true)
	f.Fuzz(func(t *testing.T, data []byte, lossy bool) {
		synctest.Test(t, func(t *testing.T) {
			m := newModel(t, &bytesChooser{data[:min(len(data), 1000)]}, lossy)
			defer m.onFailure(data)
			m.run(min(len(data), 300))
			if lossy {
				m.settle()
			}
			m.check()
		})
	})
}
