package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxHistory is how many lines are kept.
	maxHistory = 500
	// maxHistoryFile is how many bytes of the file are read. A line has at most 4096
	// characters.
	maxHistoryFile = 2 << 20
)

// history is what the user has typed, for the arrow keys of the terminal: lines of this
// session and, unless it is off, of those before, from a file that only the user can read.
// A line with a secret is not written to the file, nor is one that begins with a space. It
// implements [term.History].
type history struct {
	path    string // empty: no file
	lines   []string
	written int // to the file, since it was last shortened
}

// historyPath returns the file for lines, or "" if the environment names no directory:
// below XDG_STATE_HOME, which is ~/.local/state by default, or LOCALAPPDATA on Windows.
func historyPath(env Environment) string {
	dir, _ := env("XDG_STATE_HOME")
	if home, _ := env("HOME"); !filepath.IsAbs(dir) && filepath.IsAbs(home) {
		dir = filepath.Join(home, ".local", "state")
	}
	if runtime.GOOS == "windows" && !filepath.IsAbs(dir) {
		dir, _ = env("LOCALAPPDATA")
	}
	if !filepath.IsAbs(dir) {
		return ""
	}
	return filepath.Join(dir, "webpubsub", "connect-history")
}

// openHistory returns the lines of a file. With an error it returns a history without a
// file.
func openHistory(path string) (*history, error) {
	h := &history{path: path}
	if path == "" {
		return h, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return &history{}, err
	}
	lines, err := h.read()
	if err != nil {
		return &history{}, err
	}
	h.lines = lines
	return h, nil
}

// read returns the last lines of the file, and removes the others from it.
func (h *history) read() ([]string, error) {
	info, err := os.Lstat(h.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New(h.path + " is not a file")
	}
	f, err := os.Open(h.path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if _, err := f.Seek(max(0, info.Size()-maxHistoryFile), io.SeekStart); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxHistoryFile))
	if err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.SplitSeq(string(data), "\n") {
		if isHistoric(line) {
			lines = append(lines, line)
		}
	}
	kept := lines[max(0, len(lines)-maxHistory):]
	if len(kept) < len(lines) || info.Mode().Perm() != 0o600 {
		return kept, h.replace(kept)
	}
	return kept, nil
}

// replace writes the lines to a new file, which takes the place of the old one.
func (h *history) replace(lines []string) error {
	h.written = 0
	f, err := os.CreateTemp(filepath.Dir(h.path), "history-*") // with mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(strings.Join(append(slices.Clone(lines), ""), "\n"))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), h.path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// Add adds a line.
func (h *history) Add(line string) {
	if strings.TrimSpace(line) == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	if h.lines = append(h.lines, line); len(h.lines) > maxHistory {
		h.lines = slices.Delete(h.lines, 0, len(h.lines)-maxHistory)
	}
	if h.path != "" && isHistoric(line) && h.write(line) != nil {
		h.path = "" // the session goes on without a file
	}
}

// write adds a line to the file. Other sessions may do so at the same time.
func (h *history) write(line string) error {
	if h.written++; h.written > maxHistory {
		if _, err := h.read(); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(h.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}

// Len returns the number of lines.
func (h *history) Len() int { return len(h.lines) }

// At returns a line; 0 is the last.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }

var (
	secretWords = regexp.MustCompile(`(?i)token|secret|password|passwd|passphrase|credential|bearer|authorization|cookie|signature|sha256=|access_?key|api_?key|private_?key`)
	// secretShape matches words that are as long as keys and tokens: in base64, in
	// hexadecimal or with the dots of a JWT.
	secretShape = regexp.MustCompile(`[A-Za-z0-9+/=_.~-]{24,}`)
)

// isHistoric reports whether a line may be in the file: text without control characters
// and without what may be a secret.
func isHistoric(line string) bool {
	if strings.TrimSpace(line) == "" || line[0] == ' ' || !utf8.ValidString(line) || utf8.RuneCountInString(line) > maxLine {
		return false
	}
	if strings.ContainsFunc(line, unicode.IsControl) || secretWords.MatchString(line) {
		return false
	}
	for _, word := range secretShape.FindAllString(line, -1) {
		if strings.ContainsAny(word, "0123456789") && strings.ContainsFunc(word, unicode.IsLetter) {
			return false
		}
	}
	return true
}

// maxLine is how many characters the line editor takes.
const maxLine = 4096
