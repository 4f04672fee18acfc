package hub_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// transport is a transport that takes frames when the test lets it.
type transport struct {
	free   chan struct{}
	cut    chan struct{}
	frames []hub.Frame
}

var errCut = errors.New("cut")

// newTransport returns an open link.
func newTransport() (*transport, *hub.Link) {
	w, l := newClosedTransport()
	l.Open()
	return w, l
}

func newClosedTransport() (*transport, *hub.Link) {
	w := &transport{free: make(chan struct{}), cut: make(chan struct{})}
	return w, hub.NewLink(func(f hub.Frame) error {
		select {
		case <-w.free:
			w.frames = append(w.frames, f)
			return nil
		case <-w.cut:
			return errCut
		}
	}, func() { close(w.cut) })
}

func text(s string) hub.Frame { return hub.Frame{Kind: hub.FrameText, Data: []byte(s)} }

func TestLinkKeepsOrderAndEndsWithItsCloseFrame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l := newTransport()
		assert.True(t, l.Send(text("1")))
		synctest.Wait()
		assert.True(t, l.Send(text("2")))
		l.Close(hub.CloseNormal, "bye")
		assert.True(t, l.Send(text("3")), "lost")
		l.Close(hub.CloseInternal, "again")
		close(w.free)
		l.Wait()
		assert.Equal(t, []hub.Frame{text("1"), text("2"), {Kind: hub.FrameClose, Code: hub.CloseNormal, Data: []byte("bye")}}, w.frames)
	})
}

func TestLinkAbortDropsWhatIsQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l := newTransport()
		l.Send(text("1"))
		synctest.Wait()
		l.Send(text("2"))
		l.Close(hub.CloseNormal, "")
		l.Abort(hub.CloseGoingAway, "")
		close(w.free)
		l.Wait()
		assert.Equal(t, []hub.Frame{text("1"), {Kind: hub.FrameClose, Code: hub.CloseNormal, Data: []byte{}}}, w.frames, "the first close frame counts")
	})
}

// A peer that never takes a frame: Abort ends the write within its grace, also
// after a Close that waits for its turn.
func TestLinkAbortDoesNotWaitForThePeer(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*hub.Link){
		"open":    func(*hub.Link) {},
		"closed":  func(l *hub.Link) { l.Close(hub.CloseNormal, "") },
		"aborted": func(l *hub.Link) { l.Abort(hub.CloseNormal, "") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, l := newTransport()
				l.Send(text("1"))
				synctest.Wait()
				before(l)
				start := time.Now()
				l.Abort(hub.CloseGoingAway, "")
				l.Wait()
				assert.Equal(t, 250*time.Millisecond, time.Since(start))
				assert.Empty(t, w.frames)
				l.Abort(hub.CloseGoingAway, "") // does nothing, least of all cut again
				<-time.After(time.Minute)
			})
		})
	}
}

// Close gives the peer longer, since it may be about to read what is queued.
func TestLinkCloseWaitsForThePeerButNotForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l := newTransport()
		l.Send(text("1"))
		synctest.Wait()
		start := time.Now()
		l.Close(hub.CloseNormal, "")
		l.Wait()
		assert.Equal(t, 30*time.Second, time.Since(start))
		assert.Empty(t, w.frames)
	})
}

func TestLinkOfASlowReader(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		size, most int
	}{"frames": {1, 10_000}, "bytes": {1 << 20, 32}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				_, l := newTransport()
				f := hub.Frame{Kind: hub.FrameBinary, Data: make([]byte, tc.size)}
				l.Send(f)
				synctest.Wait() // it is being written, and not in the queue
				for range tc.most {
					assert.True(t, l.Send(f))
				}
				assert.False(t, l.Send(f))
				l.Wait()
			})
		})
	}
}

func TestLinkHoldsFramesUntilItIsOpen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l := newClosedTransport()
		close(w.free)
		l.Send(text("1"))
		l.Send(text("2"))
		l.Close(hub.CloseNormal, "bye")
		l.Send(text("3"))
		synctest.Wait()
		assert.Empty(t, w.frames)
		l.Open()
		l.Wait()
		assert.Equal(t, []hub.Frame{text("1"), text("2"), {Kind: hub.FrameClose, Code: hub.CloseNormal, Data: []byte("bye")}}, w.frames)
	})
}

// A transport that does not come about is cut, as one that does not take a frame.
func TestLinkThatIsNeverOpen(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end   func(*hub.Link)
		after time.Duration
	}{
		"closed":  {func(l *hub.Link) { l.Close(hub.CloseNormal, "") }, 30 * time.Second},
		"aborted": {func(l *hub.Link) { l.Abort(hub.CloseNormal, "") }, 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, l := newClosedTransport()
				start := time.Now()
				l.Send(text("1"))
				tc.end(l)
				<-w.cut
				assert.Equal(t, tc.after, time.Since(start))
				l.Discard()
				l.Wait()
				assert.True(t, l.Send(text("2")), "lost")
				assert.Empty(t, w.frames)
			})
		})
	}
}
