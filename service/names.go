package service

import (
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
	return firstError(rule.CheckGroup(group), checkSegment("group", group))
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

// firstError returns the first of errs that is one.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
