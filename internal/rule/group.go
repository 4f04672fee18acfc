package rule

import (
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// IsGroup reports whether the service can have a group of the name: 1 to 1024
// characters of UTF-8, not blank.
func IsGroup(name string) bool {
	return strings.TrimSpace(name) != "" && utf8.ValidString(name) && utf8.RuneCountInString(name) <= wire.MaxGroupName
}
