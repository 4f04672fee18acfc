package cli

import "golang.org/x/term"

// terminal returns the file descriptor of a stream that is a terminal.
func terminal(stream any) (fd int, ok bool) {
	file, ok := stream.(interface{ Fd() uintptr })
	if !ok {
		return 0, false
	}
	fd = int(file.Fd())
	return fd, term.IsTerminal(fd)
}

// A palette colours text for a terminal. The zero value leaves it as it is.
type palette struct{ on bool }

// paletteFor returns the palette for a stream: with colours on a terminal, unless
// NO_COLOR is set or TERM is dumb.
func paletteFor(stream any, env Environment) palette {
	_, ok := terminal(stream)
	noColor, _ := env("NO_COLOR")
	kind, _ := env("TERM")
	return palette{ok && noColor == "" && kind != "dumb"}
}

func (p palette) bold(text string) string   { return p.paint("1", text) }
func (p palette) faint(text string) string  { return p.paint("2", text) }
func (p palette) red(text string) string    { return p.paint("31", text) }
func (p palette) green(text string) string  { return p.paint("32", text) }
func (p palette) yellow(text string) string { return p.paint("33", text) }
func (p palette) cyan(text string) string   { return p.paint("36", text) }

func (p palette) paint(code, text string) string {
	if !p.on || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
