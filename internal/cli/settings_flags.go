package cli

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// checkFlags checks the flags of one hub, so that errors name them.
func (in *settingsFlags) checkFlags(cmd *cobra.Command) error {
	if err := checkHub(in.target.hub); err != nil {
		return err
	}
	for flag, template := range map[string]string{"upstream": in.url, "from-handler": in.handler} {
		if template == "" {
			continue
		}
		if _, err := upstream.ParseTemplate(keyVault.ReplaceAllString(template, "secret")); err != nil {
			value := upstream.WithoutSecrets(template)
			return usage("--%s %s: %w", flag, excerpt.Name(value), ruleOf(err, strconv.Quote(value)))
		}
	}
	for _, list := range []struct {
		flag         string
		names, known []string
	}{
		{"system-events", in.systemEvents, systemEvents()},
		{"group-events", in.groupEvents, []string{wire.NameJoined, wire.NameLeft}},
	} {
		for _, name := range list.names {
			if !slices.ContainsFunc(list.known, func(k string) bool { return strings.EqualFold(k, name) }) {
				return usage("--%s %s: want some of %s", list.flag, excerpt.Name(name), strings.Join(list.known, ", "))
			}
		}
	}
	unprintable := func(text string) bool {
		return strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
	}
	if unprintable(in.userEvents) {
		return usage("--user-events %s: want printable characters", excerpt.Name(in.userEvents))
	}
	for _, pattern := range in.groupFilters {
		switch {
		case unprintable(pattern):
			return usage("--group-filter %s: want printable characters", excerpt.Name(pattern))
		case len(in.groupEvents) == 0:
			return usage("--group-filter %s: want --group-events with it", excerpt.Name(pattern))
		}
	}
	if in.authResource == "" && !cmd.Flags().Changed("auth-resource") {
		return nil
	}
	if err := rule.CheckAudience(in.authResource); err != nil {
		return usage("--auth-resource %w", err)
	}
	return nil
}
