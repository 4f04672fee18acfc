package rule

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// MaxGroup is the length of the longest group name, in UTF-16 code units.
const MaxGroup = 1024

// AcceptGroup returns an error unless the service accepts a group name from a
// client, in a token and in the answer to a connect event: 1 to 1024 UTF-16 code
// units, not blank.
//
// Source: Emulator, WebPubSubNameValidator.IsValidGroupName.
func AcceptGroup(name string) error {
	if !isGroup(name) {
		return fmt.Errorf("group %s: want 1 to %d characters of UTF-8, not blank", excerpt.Name(name), MaxGroup)
	}
	return nil
}

// CheckGroup returns an error unless every API of the service accepts a group
// name. It is for names that this module sends: [AcceptGroup] allows a line feed, but
// the REST API does not, so that no server could address the group.
//
// Source: REST, parameter group: 1 to 1024 characters that match ^(?!\s+$).+$.
func CheckGroup(name string) error {
	if !isGroup(name) || strings.Contains(name, "\n") {
		return fmt.Errorf("group %s: want 1 to %d characters of UTF-8, not blank, without line feed", excerpt.Name(name), MaxGroup)
	}
	return nil
}

func isGroup(name string) bool {
	return strings.TrimSpace(name) != "" && utf8.ValidString(name) && fits(name, MaxGroup)
}

// fits reports whether a text has at most so many UTF-16 code units.
func fits(s string, most int) bool {
	if len(s) <= most {
		return true
	}
	for _, r := range s {
		if most--; r > 0xffff {
			most--
		}
	}
	return most >= 0
}
