//go:build unix

package main

import (
	"fmt"
	"regexp"
	"strings"
)

// step is what a reader does or sees with one block of a page.
type step struct {
	kind     kind
	line     int    // of the block in the page
	file     string // to which code belongs
	terminal string // of a command or an output; empty for the reader's first one
	text     string
}

type kind int

const (
	code    kind = iota // a part of a file
	command             // is typed
	output              // of the command before it, or of a terminal
)

var (
	fileName = regexp.MustCompile("^`([A-Za-z0-9_]+\\.go)`.*:$")
	terminal = regexp.MustCompile(`^(sh|text)(?: terminal (\w+))?$`)
)

// parse returns the steps of a page.
func parse(page string) (steps []step, err error) {
	file := ""
	lines := strings.Split(page, "\n")
	for i := 0; i < len(lines); i++ {
		if name := fileName.FindStringSubmatch(lines[i]); name != nil {
			file = name[1]
		}
		info, isFence := strings.CutPrefix(lines[i], "```")
		if !isFence {
			continue
		}
		s := step{line: i + 1}
		var text []string
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			text = append(text, lines[i])
		}
		s.text = strings.Join(text, "\n") + "\n"
		found := terminal.FindStringSubmatch(info)
		switch {
		case info == "go" && file != "":
			s.kind, s.file = code, file
		case len(found) > 1 && found[1] == "sh":
			s.kind, s.terminal = command, found[2]
		case found != nil && len(steps) > 0:
			s.kind, s.terminal = output, found[2]
		default:
			return nil, fmt.Errorf("line %d: block %q is neither code of a file, nor a command, nor its output", s.line, info)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// files returns the files of a page. A file in several blocks has an empty line between
// them.
func files(steps []step) map[string]string {
	all := map[string]string{}
	for _, s := range steps {
		if s.kind != code {
			continue
		}
		if all[s.file] != "" {
			all[s.file] += "\n"
		}
		all[s.file] += s.text
	}
	return all
}

// matches reports whether a line of output is the wanted one, in which … is any text.
// The width of spaces does not matter.
func matches(wanted, line string) bool {
	words := regexp.QuoteMeta(strings.Join(strings.Fields(wanted), " "))
	pattern := regexp.MustCompile("^" + strings.ReplaceAll(words, "…", ".*") + "$")
	return pattern.MatchString(strings.Join(strings.Fields(line), " "))
}
