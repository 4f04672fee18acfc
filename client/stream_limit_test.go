package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// share is a client that receives streams that never end.
type share struct {
	t    *testing.T
	peer *peer
	n    int

	mu     sync.Mutex
	open   map[string]int // by user
	given  []string       // replaced streams
	errors []error
}

func newShare(t *testing.T, opts *client.StreamReaderOptions) *share {
	t.Helper()
	s := &share{t: t, open: make(map[string]int)}
	f := newFake(t)
	c := f.client(&client.Options{KeepAliveInterval: -1, KeepAliveTimeout: -1, OnError: func(_ context.Context, err error) { s.errors = append(s.errors, err) }})
	add := func(user string, n int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.open[user] += n
	}
	c.OnGroupStream(func(_ context.Context, g *client.StreamReader) {
		add(g.FromUserID(), 1)
		defer add(g.FromUserID(), -1)
		for _, err := range g.Pieces() {
			if errors.Is(err, client.ErrTooManyStreams) {
				s.mu.Lock()
				s.given = append(s.given, g.ID())
				s.mu.Unlock()
			}
		}
	}, opts)
	s.peer = f.start(c)
	return s
}

// begin begins streams of a user to a group.
func (s *share) begin(user, group string, n int) {
	for range n {
		s.send(user, group)
	}
	synctest.Wait()
}

func (s *share) send(user, group string) {
	s.n++
	s.peer.send(pieceOf(user, group, fmt.Sprint(s.n), 1, "x", ""))
}

func (s *share) count(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[user]
}

func (s *share) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.open {
		n += of
	}
	return n
}

// TestStreamLimitIsFair checks that a user who fills all places cannot keep others
// out.
func TestStreamLimitIsFair(t *testing.T) {
	t.Parallel()
	each := func(user, group string) func(*share) {
		return func(s *share) {
			for i := range 1000 {
				s.send(strings.ReplaceAll(user, "*", fmt.Sprint(i)), strings.ReplaceAll(group, "*", fmt.Sprint(i%10)))
			}
			synctest.Wait()
		}
	}
	tests := map[string]struct {
		fill        func(*share)
		user, group string
		begun, want int
	}{
		"one user in one group":                          {each("mallory", "g"), "bob", "g", 50, 50},
		"at most half of what there is":                  {each("mallory", "g"), "bob", "g", 510, 500},
		"one user in many groups":                        {each("mallory", "g*"), "bob", "h", 1, 1},
		"the same user":                                  {each("mallory", "g"), "mallory", "g", 1, 1000},
		"the same user in another group":                 {each("mallory", "g"), "mallory", "h", 1, 1000},
		"as many users as places":                        {each("*", "g"), "bob", "g", 1, 0},
		"as many users as places, in another group":      {each("*", "g"), "bob", "h", 2, 1},
		"strangers without a name":                       {each("", "g"), "bob", "g", 1, 1},
		"strangers without a name, and one more of them": {each("", "g"), "", "g", 1, 1000},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				s := newShare(t, nil)
				tt.fill(s)
				s.begin(tt.user, tt.group, tt.begun)
				assert.Equal(t, tt.want, s.count(tt.user))
				assert.Equal(t, 1000, s.total())
			})
		})
	}
}

// TestStreamReplaced checks that the quietest stream is replaced, that its callback
// gets an error, and that dropped streams are reported, but not every time.
func TestStreamReplaced(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := newShare(t, nil)
		s.begin("mallory", "g", 1000)
		pass(time.Second)
		for i := range 1000 {
			if i != 499 && i != 699 {
				s.peer.send(pieceOf("mallory", "g", fmt.Sprint(i+1), 2, "x", ""))
			}
		}
		s.peer.send(pieceOf("mallory", "g", "500", 2, "x", ""))
		s.begin("bob", "g", 1)
		assert.Equal(t, []string{"700"}, s.given)
		assert.Empty(t, s.errors)

		s.begin("mallory", "g", 100)
		require.Len(t, s.errors, 1)
		require.ErrorIs(t, s.errors[0], client.ErrTooManyStreams)
		require.EqualError(t, s.errors[0], `client: GroupStream: too many streams at a time: dropped one of user "mallory" to group "g"`)
		pass(time.Minute)
		s.begin("mallory", "g", 100)
		assert.Len(t, s.errors, 2)

		s.peer.send(pieceOf("bob", "g", "1001", 2, "", `,"endOfStream":true`))
		s.begin("mallory", "g", 1) // there is room again at once
		assert.Equal(t, 1000, s.count("mallory"))
	})
}

// TestSilentStreamsAreForgotten checks that a timed out stream takes no place.
func TestSilentStreamsAreForgotten(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		s := newShare(t, &client.StreamReaderOptions{IdleTimeout: time.Second})
		s.begin("mallory", "g", 1000)
		pass(2 * time.Second)
		assert.Zero(t, s.count("mallory"))
		s.begin("mallory", "g", 1000)
		assert.Equal(t, 1000, s.count("mallory"))
		assert.Empty(t, s.given)
		assert.Empty(t, s.errors)
	})
}

// TestTooManyStreams checks the limit of streams.
func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(&client.Options{KeepAliveTimeout: -1})
		var open atomic.Int64
		c.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
			open.Add(1)
			for range s.Pieces() { //nolint:errcheck // it only has to end
				continue
			}
			open.Add(-1)
		}, &client.StreamReaderOptions{IdleTimeout: -1})
		p := f.start(c)
		go p.drain()
		begin := func(i int) {
			p.send(fmt.Sprintf(`{"type":"message","from":"group","group":"g","dataType":"text","data":"x","stream":{"streamId":"%d","streamSequenceId":1}}`, i))
		}
		for i := range 1100 {
			begin(i)
		}
		synctest.Wait()
		assert.Equal(t, int64(1000), open.Load())
		pass(time.Minute)
		begin(2000)
		pass(10 * time.Minute)
		begin(2001) // the old ones have timed out
		synctest.Wait()
		assert.Equal(t, int64(1), open.Load())
	})
}
