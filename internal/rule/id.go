package rule

import (
	"fmt"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// maxID is how many UTF-16 code units the id of a stream or an invocation can have.
const maxID = 1024

// CheckID returns an error unless a client can choose the id of a stream or an
// invocation, which may be empty here. The service documents no limit; this one is
// of this module, since each receiver of a stream gets the id with each frame.
func CheckID(what, id string) error {
	if !utf8.ValidString(id) || !fits(id, maxID) {
		return fmt.Errorf("%s %s: want at most %d characters of UTF-8", what, excerpt.Name(id), maxID)
	}
	return nil
}
