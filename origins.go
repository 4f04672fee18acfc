package webpubsub

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// originSet is a set of host names in lower case. The zero value is empty.
type originSet struct {
	any   bool
	hosts []string
}

func parseOrigins(entries []string) (originSet, error) {
	var set originSet
	for i, entry := range entries {
		if entry == "*" {
			set.any = true
			continue
		}
		if strings.ContainsAny(entry, ";=") { // not quoted: it may hold a key
			return originSet{}, fmt.Errorf("allowed origin %d has a ; or =, as connection strings do: want its host name alone", i)
		}
		host, err := parseOrigin(entry)
		if err != nil {
			return originSet{}, fmt.Errorf("allowed origin %d, %q: %w", i, excerpt.Short(entry), err)
		}
		set.hosts = append(set.hosts, host)
	}
	return set, nil
}

func parseOrigin(entry string) (string, error) {
	if strings.ContainsAny(entry, "*, \t") {
		return "", errors.New("want one host name, or * alone: there are no patterns and no lists")
	}
	u, err := connstr.ParseEndpoint(entry)
	if err != nil {
		return "", err
	}
	return strings.ToLower(u.Hostname()), nil
}

func (s *originSet) allows(host string) bool {
	if s.any {
		return true
	}
	for _, h := range s.hosts {
		if isHost(host, h) {
			return true
		}
	}
	return false
}

// isHost reports whether s is the host name lower, without the case of ASCII letters.
// strings.EqualFold would also match other letters, such as the Kelvin sign with k.
func isHost(s, lower string) bool {
	if s == lower { // the usual case, which is much faster
		return true
	}
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// match returns the first of the requested origins that is allowed.
func (s *originSet) match(lines []string) (string, bool) {
	list := listScanner{lines: lines, left: maxOrigins}
	for origin, ok := list.next(); ok; origin, ok = list.next() {
		if s.allows(origin) {
			return origin, true
		}
	}
	return "", false
}

// narrow returns those of the first maxOrigins origins in a header that are allowed.
// If they are fewer than maxOrigins and all are allowed, it returns lines itself.
func (s *originSet) narrow(lines []string) []string {
	list := listScanner{lines: lines, left: maxOrigins}
	origin, ok := list.next()
	for ok && s.allows(origin) {
		origin, ok = list.next()
	}
	if !ok && 0 < list.left && list.left < maxOrigins {
		return lines
	}
	var allowed []string
	list = listScanner{lines: lines, left: maxOrigins}
	for origin, ok := list.next(); ok; origin, ok = list.next() {
		if s.allows(origin) {
			allowed = append(allowed, origin)
		}
	}
	return allowed
}

// refusal returns the error of an event without an allowed origin. It is for the
// log: it names the hosts of the configuration.
func (s *originSet) refusal(lines []string) error {
	return fmt.Errorf("%w: the request names %q, and connection strings and AllowedOrigins have %q; one of them must match",
		ErrOrigin, excerpt.Short(strings.Join(lines, ", ")), excerpt.Short(strings.Join(s.hosts, ", ")))
}

// listScanner iterates over the elements of a header that is a list: separated by
// commas, with or without spaces, in one line or several.
type listScanner struct {
	lines []string
	left  int // the number of elements that next may still return
	rest  string
}

// next returns the next element that is not empty.
func (s *listScanner) next() (string, bool) {
	for s.left > 0 {
		for s.rest == "" {
			if len(s.lines) == 0 {
				return "", false
			}
			s.rest, s.lines = s.lines[0], s.lines[1:]
		}
		var element string
		if i := strings.IndexByte(s.rest, ','); i >= 0 {
			element, s.rest = s.rest[:i], s.rest[i+1:]
		} else {
			element, s.rest = s.rest, ""
		}
		if element = trimSpace(element); element != "" {
			s.left--
			return element, true
		}
	}
	return "", false
}

// trimSpace removes what HTTP allows around an element. It is faster than
// strings.Trim, which takes longer than the rest of next.
func trimSpace(s string) string {
	for s != "" && isSpace(s[0]) {
		s = s[1:]
	}
	for s != "" && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }
