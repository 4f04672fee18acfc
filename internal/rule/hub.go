package rule

import (
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// maxHub is the length of the longest hub name.
const maxHub = 128

// IsHub reports whether the service can have a hub of the name: it matches
// ^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$.
func IsHub(name string) bool {
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || strings.IndexByte("_`,.[]", c) >= 0):
		default:
			return false
		}
	}
	return name != "" && len(name) <= maxHub
}

// CheckHub returns an error that shows the name and the rule unless [IsHub].
func CheckHub(name string) error {
	if IsHub(name) {
		return nil
	}
	return fmt.Errorf("hub %s: want a letter, then at most %d letters, digits or characters of _`,.[] (no hyphen, no space)", excerpt.Name(name), maxHub-1)
}
