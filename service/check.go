package service

import (
	"cmp"
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// checkGroup checks a group that is a segment of a URL's path.
func checkGroup(group string) error {
	return cmp.Or(rule.CheckGroup(group), checkSegment("group", group))
}

// checkSegment rejects names that do not arrive unchanged as a segment of a URL's
// path: the service and proxies treat %2F as a slash, and dots as relative.
func checkSegment(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s is empty", what)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s %s is not UTF-8", what, excerpt.Name(name))
	case name == "." || name == "..":
		return fmt.Errorf("%s %s cannot be addressed in a URL", what, excerpt.Name(name))
	case strings.Contains(name, "/"):
		return fmt.Errorf("%s %s has a slash, which does not arrive in a URL; AddToGroups, RemoveFromGroups and filters can name it", what, excerpt.Name(name))
	}
	return nil
}

func checkUser(id string) error { return checkSegment("user id", id) }

func checkConnection(id string) error { return checkSegment("connection id", id) }

// checkExcluded rejects ids that exclude nobody, such as that of a variable that was
// never set.
func checkExcluded(ids []string) error {
	for i, id := range ids {
		if id == "" || !utf8.ValidString(id) {
			return fmt.Errorf("Excluded[%d] %s: want a connection id", i, excerpt.Name(id))
		}
	}
	return nil
}

// checkContentType accepts the three types of payloads, with parameters.
func checkContentType(contentType string) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != wire.MediaText && media != wire.MediaJSON && media != wire.MediaBinary {
		return fmt.Errorf("content type %s: want %s, %s or %s", excerpt.Name(contentType), wire.MediaText, wire.MediaJSON, wire.MediaBinary)
	}
	return nil
}
