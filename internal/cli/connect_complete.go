package cli

import (
	"slices"
	"strings"
	"sync"
)

// maxSeen is how many group names are remembered for completion.
const maxSeen = 1000

// seenGroups are the names of groups that the user or a message has named.
type seenGroups struct {
	mu    sync.Mutex
	names []string
}

func (s *seenGroups) add(names ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if i, ok := slices.BinarySearch(s.names, name); !ok && name != "" && len(s.names) < maxSeen {
			s.names = slices.Insert(s.names, i, name)
		}
	}
}

func (s *seenGroups) remove(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := slices.BinarySearch(s.names, name); ok {
		s.names = slices.Delete(s.names, i, i+1)
	}
}

func (s *seenGroups) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := slices.BinarySearch(s.names, name)
	return ok
}

func (s *seenGroups) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.names)
}

// complete completes the last word before the cursor: a command, an option or a group.
// It returns the text before the cursor, and the candidates if there are several.
func complete(before string, commands []typed, groups []string) (completed string, candidates []string) {
	name, rest := cutWord(before)
	start := strings.TrimSuffix(before, rest) // up to the first argument
	var words []string
	if rest == "" && !strings.HasSuffix(before, " ") {
		start = strings.TrimSuffix(before, name)
		for _, c := range commands {
			words = append(words, c.name)
		}
		return completeWord(start, name, words)
	}
	i := slices.IndexFunc(commands, func(c typed) bool { return c.name == name })
	if i < 0 {
		return before, nil
	}
	for strings.HasPrefix(rest, "--") {
		option, after := cutWord(rest)
		if after == "" && !strings.HasSuffix(rest, " ") {
			return completeWord(start, option, slices.Clone(commands[i].options))
		}
		start, rest = strings.TrimSuffix(before, after), after
	}
	if commands[i].first != wordGroup {
		return before, nil
	}
	for _, g := range groups {
		words = append(words, quoteName(g))
	}
	return completeWord(start, rest, words)
}

// completeWord completes a prefix to the only word that begins with it, and a space, or
// to what all such words have in common.
func completeWord(start, prefix string, words []string) (completed string, candidates []string) {
	words = slices.DeleteFunc(words, func(w string) bool { return !strings.HasPrefix(w, prefix) })
	switch len(words) {
	case 0:
		return start + prefix, nil
	case 1:
		return start + words[0] + " ", nil
	}
	common := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1] // a part of a character is completed with the rest of it
		}
	}
	common = strings.ToValidUTF8(common, "")
	if common != prefix {
		return start + common, nil
	}
	return start + prefix, words
}
