package cli

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// idFirst accepts n arguments, the first of which is the id of a user or a connection.
func idFirst(n int) cobra.PositionalArgs { return first(n, "ID", checkID) }

// groupFirst accepts n arguments, the first of which is the name of a group.
func groupFirst(n int) cobra.PositionalArgs { return first(n, "NAME", checkGroup) }

func first(n int, name string, check func(what, value string) error) cobra.PositionalArgs {
	count := exactly(n)
	return func(cmd *cobra.Command, args []string) error {
		if err := count(cmd, args); err != nil {
			return err
		}
		return check(name, args[0])
	}
}

// checkHub returns a usage error unless the value of --hub is the name of a hub.
func checkHub(name string) error {
	if err := rule.CheckHub(name); err != nil {
		return usage("--hub %s: %w", excerpt.Name(name), ruleOf(err, "hub "+excerpt.Name(name)))
	}
	return nil
}

// checkID returns a usage error unless the value of an argument or a flag is an id that a
// URL's path can have.
func checkID(what, id string) error {
	if err := checkSegment(id); err != nil {
		return usage("%s %s: %w", what, excerpt.Name(id), err)
	}
	return nil
}

// checkGroup is checkID for the name of a group.
func checkGroup(what, name string) error {
	err := checkSegment(name)
	if err == nil {
		if rule.CheckGroup(name) != nil {
			err = errors.New("want 1 to 1024 characters of UTF-8, not blank, without line feed")
		}
	}
	if err != nil {
		return usage("%s %s: %w", what, excerpt.Name(name), err)
	}
	return nil
}

// checkSegment returns an error for names that do not arrive unchanged as a segment of a
// URL's path.
func checkSegment(name string) error {
	switch {
	case name == "":
		return errors.New("want a name that is not empty")
	case !utf8.ValidString(name):
		return errors.New("want UTF-8")
	case name == "." || name == "..":
		return errors.New("want a name that a URL can have, other than . and ..")
	case strings.Contains(name, "/"):
		return errors.New("want a name without a slash, which does not arrive in a URL; the filter of group add, group remove and send can have it")
	}
	return nil
}

// checkExcluded returns a usage error for ids that exclude nobody, such as that of a
// variable that was never set.
func checkExcluded(ids []string) error {
	for _, id := range ids {
		if id == "" || !utf8.ValidString(id) {
			return usage("--exclude %s: want the id of a connection", excerpt.Name(id))
		}
	}
	return nil
}
