package rule

import (
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// maxHub is the length of the longest hub name.
const maxHub = 128

// IsHub reports whether the service accepts a hub name: it matches
// ^[A-Za-z][A-Za-z0-9_`,.[\]]{0,127}$.
//
// Source: REST, parameter hub. Its prose allows letters, digits and underscores
// only; the service answers 400 with the expression.
func IsHub(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && (i == 0 || !isDigit(c) && strings.IndexByte("_`,.[]", c) < 0) {
			return false
		}
	}
	return name != "" && len(name) <= maxHub
}

// CheckHub returns an error unless [IsHub].
func CheckHub(name string) error {
	if IsHub(name) {
		return nil
	}
	return fmt.Errorf("hub %s: want a letter, then at most %d letters, digits or characters of _`,.[] (no hyphen, no space)", excerpt.Name(name), maxHub-1)
}
