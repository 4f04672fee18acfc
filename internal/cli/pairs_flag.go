package cli

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// pairsFlag is a flag name=value that can be repeated, also with the same name. It
// implements [pflag.Value]. The environment sets one pair.
type pairsFlag struct {
	values map[string][]string
	list   [][2]string // in order
	colon  bool        // "name: value" is fine too
}

// Set adds a pair.
func (p *pairsFlag) Set(text string) error {
	separators := "="
	if p.colon {
		separators = "=:"
	}
	i := strings.IndexAny(text, separators)
	if i < 1 {
		return errors.New("want name=value")
	}
	name, value := text[:i], text[i+1:]
	if p.colon {
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	}
	if p.values == nil {
		p.values = make(map[string][]string)
	}
	p.values[name] = append(p.values[name], value)
	p.list = append(p.list, [2]string{name, value})
	return nil
}

// String returns the names.
func (p *pairsFlag) String() string { return strings.Join(slices.Sorted(maps.Keys(p.values)), ",") }

// Type returns the word for the value in a usage text.
func (p *pairsFlag) Type() string { return "name=value" }

// single returns the last value of each name.
func (p *pairsFlag) single() map[string]string {
	out := make(map[string]string, len(p.values))
	for name, values := range p.values {
		out[name] = values[len(values)-1]
	}
	return out
}
