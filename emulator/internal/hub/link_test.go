package hub_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
)

// transport is a transport that writes frames when the test closes free.
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
	return w, hub.NewLink(func(frames []hub.Frame) error {
		select {
		case <-w.free:
			w.frames = append(w.frames, frames...)
			return nil
		case <-w.cut:
			return errCut
		}
	}, func() { close(w.cut) })
}

func text(s string) hub.Frame { return hub.Frame{Kind: hub.FrameText, Data: []byte(s)} }

func TestLinkClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l := newTransport()
		assert.True(t, l.Send(text("1")))
		synctest.Wait()
		assert.True(t, l.Send(text("2")))
		l.Close(hub.CloseNormal, "bye")
		assert.True(t, l.Send(text("3")), "dropped")
		l.Close(hub.CloseInternal, "again")
		close(w.free)
		l.Wait()
		assert.Equal(t, []hub.Frame{text("1"), text("2"), {Kind: hub.FrameClose, Code: hub.CloseNormal, Data: []byte("bye")}}, w.frames)
	})
}

func TestLinkAbortDropsQueue(t *testing.T) {
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
		assert.Equal(t, []hub.Frame{text("1"), {Kind: hub.FrameClose, Code: hub.CloseNormal, Data: []byte{}}}, w.frames, "the close frame of Close, not of Abort")
	})
}

// Abort cuts a blocked write after its time limit, also after Close or Abort.
func TestLinkAbortCutsBlockedWrite(t *testing.T) {
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
				l.Abort(hub.CloseGoingAway, "") // does not cut again
				<-time.After(time.Minute)
			})
		})
	}
}

// Close has a longer time limit, since the peer may still read the queue.
func TestLinkCloseCutsBlockedWrite(t *testing.T) {
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

func TestLinkAbortsSlowReader(t *testing.T) {
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
				synctest.Wait() // it is being written and has left the queue
				for range tc.most {
					assert.True(t, l.Send(f))
				}
				assert.False(t, l.Send(f))
				l.Wait()
			})
		})
	}
}

func TestLinkQueuesFramesUntilOpen(t *testing.T) {
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

// Close and Abort cut a handshake that does not end.
func TestLinkCutsBlockedHandshake(t *testing.T) {
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
				assert.True(t, l.Send(text("2")), "dropped")
				assert.Empty(t, w.frames)
			})
		})
	}
}
