package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
	"unicode/utf8"
)

const (
	opStreamText = "StreamText"

	// DefaultFlushBytes is the number of bytes of text that make a piece of a stream.
	DefaultFlushBytes = 1 << 10
	// DefaultFlushInterval is how long text waits for more before it is sent.
	DefaultFlushInterval = 50 * time.Millisecond
	// maxFlushBytes keeps the frame of a piece, with all its escapes, below the limit of
	// the service.
	maxFlushBytes = 64 << 10
)

// TextStreamOptions are the options of [Client.StreamText]. Nil and the zero value are
// the defaults.
type TextStreamOptions struct {
	// Stream are the options of the stream itself.
	Stream StreamWriterOptions
	// FlushBytes is the number of bytes that are sent without waiting for more, at most
	// 65,536. Zero is [DefaultFlushBytes].
	FlushBytes int
	// FlushInterval is how long text waits for more before it is sent. Zero is
	// [DefaultFlushInterval]. If it is negative, text waits until FlushBytes, a call of
	// [TextWriter.Flush] or the end.
	FlushInterval time.Duration
}

func (o *TextStreamOptions) complete() error {
	if o.FlushBytes < 0 || o.FlushBytes > maxFlushBytes {
		return fmt.Errorf("FlushBytes is %d, want 0 to %d", o.FlushBytes, maxFlushBytes)
	}
	o.FlushBytes = cmp.Or(o.FlushBytes, DefaultFlushBytes)
	o.FlushInterval = cmp.Or(o.FlushInterval, DefaultFlushInterval)
	return nil
}

// StreamText streams text to a group while it is written, such as the tokens of a
// language model. It opens a stream, calls write, and closes the stream. It returns when
// the service has received all of the text.
//
//	err := c.StreamText(ctx, "room", func(ctx context.Context, w *client.TextWriter) error {
//		return w.WriteAll(model.Tokens(ctx, question))
//	}, nil)
//
// Each piece of a stream is a message to every member of the group, so tokens are joined
// to pieces. A recovery of the connection loses and repeats nothing. The context of write
// ends with ctx and with the stream, so that a model does not go on for nobody.
//
// If write returns an error or panics, the stream is aborted. Receivers get an [*Error]
// with the UserErrorCode "Canceled" if ctx has ended, and "Failed" otherwise, but not
// the text of write's error. [TextWriter.Abort] chooses both. StreamText returns the error
// of the stream if it has failed, otherwise that of write.
//
// A receiver cannot end a stream. To let people stop an answer, listen for a message or
// an event of your own, and cancel ctx.
func (c *Client) StreamText(ctx context.Context, group string, write func(ctx context.Context, w *TextWriter) error, opts *TextStreamOptions) error {
	o := valueOf(opts)
	if err := o.complete(); err != nil {
		return invalid(opStreamText, err)
	}
	stream, err := c.OpenGroupStream(ctx, group, &o.Stream)
	if err != nil {
		return fail(opStreamText, err)
	}
	written := false
	defer func() {
		switch {
		case written:
		case ctx.Err() != nil:
			stream.Abort("Canceled", "the sender gave up before the end of the text")
		default:
			stream.Abort("Failed", "the sender failed before the end of the text")
		}
	}()
	w := &TextWriter{stream: stream, opts: o, turn: make(chan struct{}, 1)}
	if err := w.run(ctx, write); err != nil {
		return cmp.Or(fail(opStreamText, stream.Err()), err)
	}
	err = stream.Close(ctx)
	written = err == nil
	return fail(opStreamText, err)
}

// TextWriter writes the text of a stream. It is an [io.Writer] and an [io.StringWriter].
// Its methods are safe for concurrent use. They wait while the stream's window is full.
// After the function of [Client.StreamText] has returned, they return an error.
type TextWriter struct {
	stream *StreamWriter
	opts   TextStreamOptions
	ctx    context.Context //nolint:containedctx // of one call of StreamText; io.Writer has none

	turn  chan struct{} // holds an element while a call has the fields below
	text  []byte        // not sent yet
	timer *time.Timer   // sends text; nil if none waits
	err   error         // of all further calls
}

var (
	errTextOver = errors.New("the function of StreamText has returned")
	errCutRune  = errors.New("the text ends within a UTF-8 sequence")
)

// run calls write and sends the rest of its text.
func (w *TextWriter) run(ctx context.Context, write func(ctx context.Context, w *TextWriter) error) error {
	ctx, cancel := context.WithCancel(ctx)
	w.ctx = ctx
	defer w.end()
	defer cancel() // so that end does not wait for a call that waits for the service
	go func() {
		select {
		case <-w.stream.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := write(ctx, w); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	defer w.finish()
	if err := w.send(0); err != nil {
		return err
	}
	if len(w.text) > 0 {
		return invalid(opStreamText, errCutRune)
	}
	return nil
}

// ID returns the stream's id (streamId).
func (w *TextWriter) ID() string { return w.stream.ID() }

// Write writes text, which must be UTF-8. It may end within a character that the next
// call completes.
func (w *TextWriter) Write(p []byte) (int, error) { return writeText(w, p) }

// WriteString is Write for a string.
func (w *TextWriter) WriteString(s string) (int, error) { return writeText(w, s) }

func writeText[T []byte | string](w *TextWriter, text T) (int, error) {
	if err := w.begin(); err != nil {
		return 0, err
	}
	defer w.finish()
	w.text = append(w.text, text...)
	if err := w.send(w.opts.FlushBytes); err != nil {
		return 0, err
	}
	return len(text), nil
}

// WriteAll writes the strings of an iterator. It returns the iterator's first error.
func (w *TextWriter) WriteAll(texts iter.Seq2[string, error]) error {
	for text, err := range texts {
		if err != nil {
			return err
		}
		if _, err := w.WriteString(text); err != nil {
			return err
		}
	}
	return nil
}

// Flush sends the text that waits.
func (w *TextWriter) Flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	defer w.finish()
	return w.send(0)
}

// Abort ends the stream with an error that its receivers get; see [StreamWriter.Abort].
// Further writes fail. Return an error from the function of [Client.StreamText].
func (w *TextWriter) Abort(code, message string) { w.stream.Abort(code, message) }

// begin waits for the turn of a call, which ends with finish.
func (w *TextWriter) begin() error {
	select {
	case w.turn <- struct{}{}:
	default:
		select {
		case w.turn <- struct{}{}:
		case <-w.ctx.Done():
			return fail(opStreamText, w.ctx.Err())
		}
	}
	err := w.err
	if err == nil && w.ctx.Err() != nil { // a write could still succeed if the window has room
		err = fail(opStreamText, cmp.Or(w.stream.Err(), w.ctx.Err()))
	}
	if err != nil {
		w.finish()
	}
	return err
}

func (w *TextWriter) finish() { <-w.turn }

// send sends pieces while at least as many bytes wait. The rest is sent when it has waited
// for the flush interval.
func (w *TextWriter) send(least int) error {
	for n := w.piece(); n > 0 && len(w.text) >= least; n = w.piece() {
		if err := w.stream.Write(w.ctx, Text(string(w.text[:n]))); err != nil {
			w.err = fail(opStreamText, err)
			return w.err
		}
		w.text = append(w.text[:0], w.text[n:]...)
		w.stop() // what is left has not waited yet
	}
	if w.timer == nil && w.opts.FlushInterval > 0 && w.piece() > 0 {
		w.timer = time.AfterFunc(w.opts.FlushInterval, w.flushDue)
	}
	return nil
}

// flushDue sends text that has waited for the flush interval. A failure is an error of
// the next call.
func (w *TextWriter) flushDue() {
	if w.begin() != nil {
		return
	}
	defer w.finish()
	w.timer = nil
	_ = w.send(0)
}

// stop stops the timer.
func (w *TextWriter) stop() {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
}

// piece returns the length of the next piece: at most FlushBytes, but always a whole
// character. It is zero if there is none.
func (w *TextWriter) piece() int {
	n := min(len(w.text), max(w.opts.FlushBytes, utf8.UTFMax))
	for i := n - 1; i >= max(0, n-utf8.UTFMax); i-- {
		if !utf8.RuneStart(w.text[i]) {
			continue
		}
		if !utf8.FullRune(w.text[i:n]) {
			return i
		}
		break
	}
	return n
}

// end makes all further calls fail.
func (w *TextWriter) end() {
	w.turn <- struct{}{}
	defer w.finish()
	w.stop()
	w.err = cmp.Or(w.err, invalid(opStreamText, errTextOver))
}
