package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/doctor"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const settingsHandlerHelp = `With --from-handler, the settings are those that fit a running handler: the command asks it
for its consent, and sends it a few signed events, as "webpubsub check" does. If it does not
consent, or refuses signed events, the command prints the cause and the remedy, no settings,
and exits with 1. The output begins with comments that say how the handler answered. Flags
set what an answer does not show: which user events the handler knows, whether it uses group
presence, and whether clients need a token. --upstream is the URL to print, if the service
reaches the handler by another one.`

// systemEvents are those of the service.
func systemEvents() []string {
	return []string{wire.NameConnect, wire.NameConnected, wire.NameDisconnected}
}

// fromHandler finds out the settings that the flags leave open by asking the handler. It
// returns lines about what it saw. If the handler cannot work, it prints why and returns
// ErrNo.
func (in *settingsFlags) fromHandler(cmd *cobra.Command) ([]string, error) {
	connection, err := in.target.connection(cmd)
	if err != nil {
		return nil, err
	}
	seen, failed, err := doctor.Survey(cmd.Context(), doctor.Options{URL: in.handler, Hub: in.target.hub, Service: connection})
	if mistake := (*doctor.OptionError)(nil); errors.As(err, &mistake) {
		return nil, usage("%s: %w", surveyFlags[mistake.Field], mistake.Err)
	}
	if err != nil {
		return nil, err
	}
	lines := []string{fmt.Sprintf("answers of %s to the service %s", printable(upstream.WithoutSecrets(in.handler)), connection.Host())}
	switch {
	case failed == nil:
		return append(lines, in.choose(cmd, seen)...), nil
	case in.authResource != "" && failed.Cause != nil && failed.Cause.ID == "bearer":
		return append(lines, "consent: yes; it requires tokens of Entra ID, so that only the service can send it events"), nil
	}
	if err := printFailure(cmd.ErrOrStderr(), in.target.hub, in.handler, failed); err != nil {
		return nil, err
	}
	return nil, ErrNo
}

// surveyFlags maps the fields of [doctor.Options] to flags.
var surveyFlags = map[string]string{"URL": "--from-handler", "Service": "--connection-string"}

// choose selects the system events that the handler has, unless --system-events does. It
// returns lines about what was seen, and about what an answer does not show.
func (in *settingsFlags) choose(cmd *cobra.Command, seen []conformance.Sighting) []string {
	var handled, absent, presence, user []string
	usesPresence := false
	for _, s := range seen {
		switch {
		case s.Event == wire.NameJoined || s.Event == wire.NameLeft:
			presence = append(presence, sighting(s))
			usesPresence = usesPresence || !s.Absent
		case !slices.Contains(systemEvents(), s.Event):
			user = append(user, sighting(s))
		case s.Absent:
			absent = append(absent, sighting(s))
			if !cmd.Flags().Changed("system-events") {
				in.systemEvents = slices.DeleteFunc(slices.Clone(in.systemEvents), func(name string) bool { return name == s.Event })
			}
		default:
			handled = append(handled, sighting(s))
		}
	}
	lines := []string{"consent: yes; signed events are accepted", "system events: " + strings.Join(handled, ", ")}
	if len(absent) > 0 {
		lines = append(lines, "system events that it does not handle: "+strings.Join(absent, ", "))
	}
	about := "; an answer does not show whether the handler uses it, so add --group-events joined,left if it does"
	if !usesPresence {
		about = "; the handler does not handle it"
	}
	return append(lines,
		"user events: "+strings.Join(user, ", ")+"; an answer does not show which the handler knows, so name them by --user-events",
		"group presence: "+strings.Join(presence, ", ")+about,
		"not visible from outside: whether clients need a token (--anonymous), and whether the handler does (--auth-resource)",
	)
}

// sighting returns an event with the status of its answer.
func sighting(s conformance.Sighting) string {
	if s.Status == 0 {
		return s.Event + " without an answer"
	}
	return fmt.Sprintf("%s %d", s.Event, s.Status)
}

// comment returns lines as comments of a format; JSON has none.
func comment(format string, lines []string) string {
	mark := "# "
	if format == formatBicep {
		mark = "// "
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(mark + line + "\n")
	}
	return b.String()
}
