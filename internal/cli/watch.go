package cli

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// watchInterval is the time between two looks at a settings file.
const watchInterval = 500 * time.Millisecond

// content is the text of a settings file, or the error of reading it.
type content struct {
	text string
	err  error
}

func readContent(path string) content {
	data, err := readFile(path, maxSettings)
	return content{string(data), err}
}

// parse returns the settings of hubs.
func (c content) parse() (map[string]emulator.Hub, error) {
	if c.err != nil {
		return nil, c.err
	}
	return parseSettings([]byte(c.text))
}

// equals reports whether two looks have found the same.
func (c content) equals(other content) bool {
	return c.text == other.text && fmt.Sprint(c.err) == fmt.Sprint(other.err)
}

// checkWatch returns an error if --watch has no file to read again and again. A pipe, as of
// the shell's <(…), can be read once.
func (in *emulatorFlags) checkWatch() error {
	if !in.watch {
		return nil
	}
	if in.settings == "" {
		return usage("--watch: want a file to watch, with --settings")
	}
	if info, err := os.Stat(in.settings); err == nil && !info.Mode().IsRegular() {
		return usage("--settings %q: want a regular file with --watch", in.settings)
	}
	return nil
}

// A watcher applies a settings file to a running emulator when the file changes.
//
// It reads the file twice a second rather than wait for events of the file system: they
// do not arrive from network drives and the mounts of some containers, and they need
// care when an editor replaces the file. Times of files are too coarse to rely on.
type watcher struct {
	in     *emulatorFlags
	emu    *emulator.Server
	logger *slog.Logger
	hubs   map[string]emulator.Hub // in use, by name in lower case
	seen   content                 // at the last look
	judged content                 // the last one that was applied or refused
}

// newWatcher returns a watcher of an emulator that has the hubs of a content.
func newWatcher(in *emulatorFlags, emu *emulator.Server, hubs map[string]emulator.Hub, now content, logger *slog.Logger) *watcher {
	return &watcher{in: in, emu: emu, logger: logger, hubs: lower(hubs), seen: now, judged: now}
}

// lower returns hubs by their name in lower case.
func lower(hubs map[string]emulator.Hub) map[string]emulator.Hub {
	out := make(map[string]emulator.Hub, len(hubs))
	for name, h := range hubs {
		out[strings.ToLower(name)] = h
	}
	return out
}

// start looks at the file until ctx ends or stop is called. stop waits for the last look.
func (w *watcher) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				w.look() //nolint:contextcheck // it starts nothing
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// look reads the file. It applies a new content when it finds it for the second time, so
// that a file that is being written is not read half.
func (w *watcher) look() {
	now := readContent(w.in.settings)
	again := now.equals(w.seen)
	w.seen = now
	if !again || now.equals(w.judged) {
		return
	}
	w.judged = now
	hubs, err := w.in.hubs(now)
	if err == nil {
		err = try(hubs)
	}
	if err != nil {
		w.logger.Warn("settings not changed", "reason", err)
		return
	}
	w.apply(lower(hubs))
}

// apply changes the emulator to hubs that it accepts, and logs what changes.
func (w *watcher) apply(hubs map[string]emulator.Hub) {
	changes := 0
	change := func(what, name string, settings emulator.Hub) {
		changes++
		if err := w.emu.SetHub(name, settings); err != nil {
			w.logger.Error("hub not changed", "hub", name, "reason", err)
			return
		}
		w.logger.Info(what, "hub", name, "anonymous", settings.AllowAnonymous, "handlers", describeAll(settings.EventHandlers))
	}
	for _, name := range slices.Sorted(maps.Keys(w.hubs)) {
		if _, ok := hubs[name]; !ok {
			change("hub removed", name, emulator.Hub{})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hubs)) {
		switch old, ok := w.hubs[name]; {
		case !ok:
			change("hub added", name, hubs[name])
		case !reflect.DeepEqual(old, hubs[name]):
			change("hub changed", name, hubs[name])
		}
	}
	w.hubs = hubs
	if changes == 0 {
		w.logger.Info("settings read again: nothing has changed", "file", w.in.settings)
	}
}

func describeAll(handlers []emulator.EventHandler) []string {
	all := make([]string, len(handlers))
	for i, h := range handlers {
		all[i] = describe(h)
	}
	return all
}
