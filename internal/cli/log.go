package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

func (in *emulatorFlags) logger(w io.Writer) (*slog.Logger, error) {
	level := slog.LevelInfo
	if in.verbose {
		level = slog.LevelDebug
	}
	switch in.logFormat {
	case "text":
		return slog.New(newLines(w, level)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})), nil
	}
	return nil, usage("--log-format %q: want text or json", in.logFormat)
}

// lines is a handler for readable logs. It writes time, level and message in columns,
// followed by the attributes as [slog.TextHandler] quotes them.
type lines struct {
	rest slog.Handler // writes to line
	*shared
}

type shared struct {
	mu   sync.Mutex
	w    io.Writer
	line bytes.Buffer
}

func newLines(w io.Writer, level slog.Level) lines {
	s := &shared{w: w}
	return lines{shared: s, rest: slog.NewTextHandler(&s.line, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{} // in a column
			}
			return a
		},
	})}
}

// Enabled reports whether a level is logged.
func (l lines) Enabled(ctx context.Context, level slog.Level) bool { return l.rest.Enabled(ctx, level) }

// Handle writes a line.
func (l lines) Handle(ctx context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line.Reset()
	fmt.Fprintf(&l.line, "%s %-5s %-19s ", r.Time.Format("15:04:05.000"), r.Level, r.Message)
	if err := l.rest.Handle(ctx, r); err != nil {
		return err
	}
	_, err := l.w.Write(append(bytes.TrimRight(l.line.Bytes(), " \n"), '\n'))
	return err
}

// WithAttrs adds attributes to all lines.
func (l lines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return lines{l.rest.WithAttrs(attrs), l.shared}
}

// WithGroup adds a prefix to the names of later attributes.
func (l lines) WithGroup(name string) slog.Handler { return lines{l.rest.WithGroup(name), l.shared} }
