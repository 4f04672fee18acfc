package service

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

var hubPattern = regexp.MustCompile("^[A-Za-z][A-Za-z0-9_`,.\\[\\]]{0,127}$")

func checkHub(hub string) error {
	if !hubPattern.MatchString(hub) {
		return fmt.Errorf("hub %q: want a letter, then at most 127 letters, digits or characters of _`,.[] (no hyphen)", clip(hub))
	}
	return nil
}

// checkGroup holds a name to the service's rule for groups.
func checkGroup(group string) error {
	if strings.TrimSpace(group) == "" || !utf8.ValidString(group) || utf8.RuneCountInString(group) > wire.MaxGroupName {
		return fmt.Errorf("group %q: want 1 to %d characters, not blank", clip(group), wire.MaxGroupName)
	}
	return nil
}

// checkSegment refuses names that do not survive as a segment of a URL's path:
// the service and proxies before it take %2F for a slash, and dots for steps.
func checkSegment(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%s is empty", what)
	case !utf8.ValidString(name):
		return fmt.Errorf("%s %q is not UTF-8", what, clip(name))
	case name == "." || name == "..":
		return fmt.Errorf("%s %q cannot be addressed in a URL", what, name)
	case strings.Contains(name, "/"):
		return fmt.Errorf("%s %q has a slash, with which the service cannot be asked for it; AddToGroups and filters can name it", what, clip(name))
	}
	return nil
}

func checkGroupSegment(group string) error {
	return errors.Join(checkGroup(group), checkSegment("group", group))
}
