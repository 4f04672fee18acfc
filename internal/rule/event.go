package rule

import (
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// maxEvent is the length of the longest name of a user event.
const maxEvent = 128

// CheckEvent returns an error unless a client can send a user event of the name:
// it matches ^[A-Za-z][A-Za-z0-9_.-]{0,127}$.
//
// Source: Emulator, WebPubSubNameValidator.IsValidEventName.
func CheckEvent(name string) error {
	ok := name != "" && len(name) <= maxEvent
	for i := 0; ok && i < len(name); i++ {
		ok = isLetter(name[i]) || i > 0 && (isDigit(name[i]) || strings.IndexByte("_.-", name[i]) >= 0)
	}
	if !ok {
		return fmt.Errorf("event %s: want a letter, then at most %d letters, digits or characters of _.-", excerpt.Name(name), maxEvent-1)
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
