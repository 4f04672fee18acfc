package cli

import (
	"context"
	"errors"
	"sync"

	"github.com/go-webpubsub/webpubsub/client"
)

// streams are the streams that a client sends, one for each group.
type streams struct {
	mu   sync.Mutex
	open map[string]*client.StreamWriter
}

// take returns the stream to a group that has not ended, or nil.
func (s *streams) take(group string) *client.StreamWriter {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.open[group]
	if w == nil {
		return nil
	}
	select {
	case <-w.Done(): // the service has ended it, or the connection was lost
		delete(s.open, group)
		return nil
	default:
		return w
	}
}

func (s *streams) add(w *client.StreamWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = make(map[string]*client.StreamWriter)
	}
	s.open[w.Group()] = w
}

// end ends the stream to a group. Its receivers have then got all of it.
func (s *streams) end(ctx context.Context, group string) (id string, err error) {
	w := s.take(group)
	if w == nil {
		return "", errors.New("no stream to this group is open, want publish before it")
	}
	if err = w.Close(ctx); ctx.Err() == nil {
		s.mu.Lock()
		delete(s.open, group)
		s.mu.Unlock()
	}
	return w.ID(), err
}

// endAll ends all streams.
func (s *streams) endAll(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.open {
		_ = w.Close(ctx) // its receivers get an error at the end of the connection
	}
}

func (s *clientSession) streamCommands() []typed {
	return []typed{
		{
			name: "publish", synopsis: "publish [--json|--binary] [--no-echo] GROUP MESSAGE", help: "send a piece of a stream; the first begins it",
			options: []string{optionJSON, optionBinary, optionNoEcho}, first: wordGroup, payload: payloadRequired, run: s.publish,
		},
		{name: "end", synopsis: "end GROUP", help: "end the stream to a group", first: wordGroup, run: s.end},
	}
}

func (s *clientSession) publish(ctx context.Context, in *line) (news, error) {
	s.seen.add(in.word)
	n := news{Group: in.word}
	w := s.streams.take(in.word)
	if w == nil {
		var err error
		if w, err = s.client.OpenGroupStream(ctx, in.word, &client.StreamWriterOptions{NoEcho: in.has(optionNoEcho)}); err != nil {
			return n, err
		}
		s.streams.add(w)
	}
	n.StreamID = w.ID()
	return n, w.Write(ctx, in.data)
}

func (s *clientSession) end(ctx context.Context, in *line) (news, error) {
	id, err := s.streams.end(ctx, in.word)
	return news{Group: in.word, StreamID: id}, err
}
