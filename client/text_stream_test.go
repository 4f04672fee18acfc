package client_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
)

// receivedText are the pieces of a stream and its end.
type receivedText struct {
	pieces []string
	err    error
	over   chan struct{}
}

// receiveText receives the next stream of group g as ann.
func receiveText(t *testing.T, r *rig) *receivedText {
	t.Helper()
	ann := r.started("ann", nil)
	_, err := ann.JoinGroup(t.Context(), "g", nil)
	require.NoError(t, err)
	got := &receivedText{over: make(chan struct{})}
	ann.OnGroupStream(func(_ context.Context, s *client.StreamReader) {
		defer close(got.over)
		for d, err := range s.Pieces() {
			if err != nil {
				got.err = err
				return
			}
			got.pieces = append(got.pieces, d.String())
		}
	}, nil)
	return got
}

// tokens returns an iterator over the parts of a text, each after a pause.
func tokens(pause time.Duration, parts ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, part := range parts {
			<-time.After(pause)
			if !yield(part, nil) {
				return
			}
		}
	}
}

// Text is sent when there is enough of it, when it has waited, and at the end.
func TestStreamText(t *testing.T) {
	t.Parallel()
	const slow, fast = 40 * time.Millisecond, time.Millisecond
	tests := []struct {
		name  string
		opts  client.TextStreamOptions
		pause time.Duration
		texts []string
		want  []string
	}{
		{"defaults, at the end", client.TextStreamOptions{}, 0, []string{"a", "b", "c"}, []string{"abc"}},
		{"after an interval", client.TextStreamOptions{}, slow, []string{"a", "b", "c", "d"}, []string{"ab", "cd"}},
		{"an interval is not prolonged", client.TextStreamOptions{FlushInterval: 10 * fast}, 4 * fast, []string{"a", "b", "c", "d", "e", "f"}, []string{"abc", "def"}},
		{"no interval", client.TextStreamOptions{FlushInterval: -1}, time.Second, []string{"a", "b"}, []string{"ab"}},
		{"by size", client.TextStreamOptions{FlushBytes: 4}, 0, []string{"ab", "cd", "efghi", "j"}, []string{"abcd", "efgh", "ij"}},
		{"default size", client.TextStreamOptions{}, 0, []string{strings.Repeat("x", 2500)}, []string{strings.Repeat("x", 1024), strings.Repeat("x", 1024), strings.Repeat("x", 452)}},
		{"characters are not cut", client.TextStreamOptions{FlushBytes: 4}, 0, []string{"日本語"}, []string{"日", "本", "語"}},
		{"smaller than a character", client.TextStreamOptions{FlushBytes: 1}, 0, []string{"a日😀"}, []string{"a日", "😀"}},
		{"a character in two writes", client.TextStreamOptions{FlushInterval: fast}, 2 * fast, []string{"a\xe6\x97", "\xa5"}, []string{"a", "日"}},
		{"nothing", client.TextStreamOptions{}, 0, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				got, bob := receiveText(t, r), r.started("bob", nil)
				err := bob.StreamText(t.Context(), "g", func(_ context.Context, w *client.TextWriter) error {
					return w.WriteAll(tokens(tt.pause, tt.texts...))
				}, &tt.opts)
				require.NoError(t, err)
				if tt.want == nil {
					return // no piece, no stream for its readers
				}
				<-got.over
				require.NoError(t, got.err)
				assert.Equal(t, tt.want, got.pieces)
			})
		})
	}
}

// A TextWriter is an io.Writer, and Flush does not wait.
func TestTextWriter(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		got, bob := receiveText(t, r), r.started("bob", nil)
		var leaked *client.TextWriter
		err := bob.StreamText(t.Context(), "g", func(_ context.Context, w *client.TextWriter) error {
			leaked = w
			assert.Equal(t, "answer-1", w.ID())
			n, err := io.Copy(w, strings.NewReader("one"))
			require.NoError(t, err)
			assert.EqualValues(t, 3, n)
			require.NoError(t, w.Flush())
			require.NoError(t, w.Flush())
			synctest.Wait()
			assert.Equal(t, []string{"one"}, got.pieces)
			_, err = w.WriteString("two")
			return err
		}, &client.TextStreamOptions{Stream: client.StreamWriterOptions{StreamID: "answer-1"}})
		require.NoError(t, err)
		<-got.over
		assert.Equal(t, []string{"one", "two"}, got.pieces)

		_, err = leaked.WriteString("late")
		require.ErrorContains(t, err, "has returned")
		require.ErrorIs(t, leaked.Flush(), client.ErrInvalid)
	})
}

// Cuts of the connection lose and repeat nothing.
func TestStreamTextOverCuts(t *testing.T) {
	t.Parallel()
	over(t, recovering, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		got, bob := receiveText(t, r), r.started("bob", nil)
		want := strings.Repeat("token ", 2000)
		err := bob.StreamText(t.Context(), "g", func(_ context.Context, w *client.TextWriter) error {
			for i, text := range strings.SplitAfter(want, " ") {
				if _, err := w.WriteString(text); err != nil {
					return err
				}
				if i%500 == 250 {
					r.network.cut()
				}
			}
			return nil
		}, &client.TextStreamOptions{FlushBytes: 64})
		require.NoError(t, err)
		<-got.over
		require.NoError(t, got.err)
		assert.Equal(t, want, strings.Join(got.pieces, ""))
	})
}

// What ends a text early is an error of its receivers, without the sender's reason.
func TestStreamTextFails(t *testing.T) {
	t.Parallel()
	model := errors.New("model: key sk-123 is not valid")
	tests := []struct {
		name  string
		write func(ctx context.Context, cancel func(), w *client.TextWriter) error
		want  error
		code  string
	}{
		{"error", func(_ context.Context, _ func(), w *client.TextWriter) error {
			_, err := w.WriteString("a")
			require.NoError(t, err)
			return model
		}, model, "Failed"},
		{"error of the iterator", func(_ context.Context, _ func(), w *client.TextWriter) error {
			return w.WriteAll(func(yield func(string, error) bool) { _ = yield("a", nil) && yield("", model) && yield("b", nil) })
		}, model, "Failed"},
		{"canceled", func(ctx context.Context, cancel func(), _ *client.TextWriter) error {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}, context.Canceled, "Canceled"},
		{"canceled while writing", func(_ context.Context, cancel func(), w *client.TextWriter) error {
			cancel()
			_, err := w.WriteString(strings.Repeat("x", 1024))
			return err
		}, context.Canceled, "Canceled"},
		{"aborted", func(_ context.Context, _ func(), w *client.TextWriter) error {
			w.Abort("Refused", "not allowed to say")
			return model
		}, model, "Refused"},
		{"not UTF-8", func(_ context.Context, _ func(), w *client.TextWriter) error {
			_, err := w.WriteString("a\xff")
			require.NoError(t, err)
			return w.Flush()
		}, client.ErrInvalid, "Failed"},
		{"cut within a character", func(_ context.Context, _ func(), w *client.TextWriter) error {
			_, err := w.WriteString("\xe6\x97")
			return err
		}, client.ErrInvalid, "Failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				r := newRig(t, emulator.Config{})
				got, bob := receiveText(t, r), r.started("bob", nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := bob.StreamText(ctx, "g", func(ctx context.Context, w *client.TextWriter) error {
					_, err := w.WriteString("first ")
					require.NoError(t, err)
					require.NoError(t, w.Flush())
					return tt.write(ctx, cancel, w)
				}, nil)
				require.ErrorIs(t, err, tt.want)
				<-got.over
				var failed *client.Error
				require.ErrorAs(t, got.err, &failed)
				assert.Equal(t, "UserError", failed.Name)
				assert.Equal(t, tt.code, failed.UserErrorCode)
				assert.NotContains(t, failed.Error(), "sk-123")
			})
		})
	}
}

func TestStreamTextPanics(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		got, bob := receiveText(t, r), r.started("bob", nil)
		assert.PanicsWithValue(t, "boom", func() {
			_ = bob.StreamText(t.Context(), "g", func(_ context.Context, w *client.TextWriter) error {
				_, _ = w.WriteString("a")
				_ = w.Flush()
				panic("boom")
			}, nil)
		})
		<-got.over
		var failed *client.Error
		require.ErrorAs(t, got.err, &failed)
		assert.Equal(t, "Failed", failed.UserErrorCode)
	})
}

// The context of the function ends when the service ends the stream, and the error says
// why.
func TestStreamTextIdle(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		bob := newRig(t, emulator.Config{}).started("bob", nil)
		err := bob.StreamText(t.Context(), "g", func(ctx context.Context, _ *client.TextWriter) error {
			<-ctx.Done()
			return ctx.Err()
		}, &client.TextStreamOptions{Stream: client.StreamWriterOptions{IdleTimeout: time.Second}})
		var failed *client.Error
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "IdleTimeout", failed.Name)
		assert.Equal(t, "StreamText", failed.Operation)
	})
}

func TestStreamTextRefuses(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		bob := newRig(t, emulator.Config{}).started("bob", nil)
		never := func(context.Context, *client.TextWriter) error {
			assert.Fail(t, "called")
			return nil
		}
		for _, tt := range []struct {
			group string
			opts  client.TextStreamOptions
			want  string
		}{
			{"g", client.TextStreamOptions{FlushBytes: -1}, "FlushBytes is -1, want 0 to 65536"},
			{"g", client.TextStreamOptions{FlushBytes: 65537}, "FlushBytes is 65537, want 0 to 65536"},
			{"g", client.TextStreamOptions{Stream: client.StreamWriterOptions{Window: -1}}, "Window is -1"},
			{"", client.TextStreamOptions{}, "group"},
		} {
			err := bob.StreamText(t.Context(), tt.group, never, &tt.opts)
			require.ErrorIs(t, err, client.ErrInvalid)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "StreamText")
		}
	})
}
