package service

import (
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// checkGroup holds a name to the service's rule for groups.
func checkGroup(group string) error {
	switch {
	case !utf8.ValidString(group):
		return fmt.Errorf("group %s is not UTF-8", excerpt.Name(group))
	case !rule.IsGroup(group), strings.Contains(group, "\n"):
		return fmt.Errorf("group %s: want 1 to %d characters, not blank, without line feed", excerpt.Name(group), wire.MaxGroupName)
	}
	return nil
}

// checkGroupSegment is checkGroup for a name that stands in a URL's path.
func checkGroupSegment(group string) error {
	if err := checkGroup(group); err != nil {
		return err
	}
	return checkSegment("group", group)
}

// checkSegment refuses names that do not survive as a segment of a URL's path:
// the service and proxies before it take %2F for a slash, and dots for steps.
func checkSegment(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s is empty", what)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s %s is not UTF-8", what, excerpt.Name(name))
	case name == "." || name == "..":
		return fmt.Errorf("%s %s cannot be addressed in a URL", what, excerpt.Name(name))
	case strings.Contains(name, "/"):
		return fmt.Errorf("%s %s has a slash, with which the service does not find it; AddToGroups, RemoveFromGroups and filters can name it", what, excerpt.Name(name))
	}
	return nil
}

func checkUser(id string) error { return checkSegment("user id", id) }

func checkConnection(id string) error { return checkSegment("connection id", id) }

// checkExcluded refuses what excludes nobody: whoever has no id to exclude must
// not find out by whom a message went to.
func checkExcluded(ids []string) error {
	for i, id := range ids {
		if id == "" || !utf8.ValidString(id) {
			return fmt.Errorf("Excluded[%d] %s: want a connection id", i, excerpt.Name(id))
		}
	}
	return nil
}

// checkContentType lets the three types of payloads pass, with parameters.
func checkContentType(contentType string) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != wire.MediaText && media != wire.MediaJSON && media != wire.MediaBinary {
		return fmt.Errorf("content type %s: want %s, %s or %s", excerpt.Name(contentType), wire.MediaText, wire.MediaJSON, wire.MediaBinary)
	}
	return nil
}

// checkMetadata refuses what would not arrive as it was given. A comma is one
// such thing: the service takes a header's last member for its value.
func checkMetadata(metadata map[string]string) error {
	total := 0
	lower := make(map[string]string, len(metadata))
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		v := metadata[name]
		total += len(name) + len(v)
		twin, twice := lower[strings.ToLower(name)]
		switch {
		case !isToken(name) || len(name) > wire.MaxMetadataKey:
			return fmt.Errorf("Metadata name %s: want an HTTP token of 1 to %d bytes", excerpt.Name(name), wire.MaxMetadataKey)
		case twice:
			return fmt.Errorf("Metadata names %s and %s differ by case only", excerpt.Name(twin), excerpt.Name(name))
		case !isPrintable(v) || len(v) > wire.MaxMetadataValue:
			return fmt.Errorf("Metadata value of %s: want printable ASCII of at most %d bytes, without comma and space around it", excerpt.Name(name), wire.MaxMetadataValue)
		}
		lower[strings.ToLower(name)] = name
	}
	if total > wire.MaxMetadataTotal {
		return fmt.Errorf("Metadata has %d bytes of names and values, want at most %d", total, wire.MaxMetadataTotal)
	}
	return nil
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func isPrintable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == ',' {
			return false
		}
	}
	return strings.TrimSpace(s) == s
}

// firstError returns the first of errs that is one.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
