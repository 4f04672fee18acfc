package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/service"
)

const sendLong = `Sends a message to connected clients. MESSAGE is the text itself, @FILE for the content
of a file, or - for standard input. It is text; with --type json it is a JSON value, which
is checked before it is sent, and with --type binary any bytes.

Exit code 0 means that the service has accepted the message. The service does not report
whether anybody received it.`

// sendShape is the JSON document, with the member that names the target.
const sendShape = `{"accepted": true, %s, "type": "text", "bytes": 18}`

// maxMessage is the service's limit.
const maxMessage = 1 << 20

func sendCommand() *cobra.Command {
	return family(&cobra.Command{
		Use:   "send",
		Short: "Send a message to all, a group, a user or a connection",
	}, sendAllCommand(), sendGroupCommand(), sendUserCommand(), sendConnectionCommand())
}

// sender is what a message can be sent to.
type sender interface {
	Send(ctx context.Context, contentType string, body io.ReadSeeker, opts *service.SendOptions) error
}

// message holds the flags of a message.
type message struct {
	kind     kind
	filter   filterFlag
	excluded []string
	ttl      time.Duration
	metadata map[string]string
	help     string // about the flags that not every target has
}

// sending makes cmd a command that sends its last argument to what to returns, which the
// action names by the member.
func sending(cmd *cobra.Command, m *message, member string, to func(c *service.Client, args []string) (sender, action), operation string) *cobra.Command {
	cmd.Long = strings.TrimSpace(sendLong + "\n\n" + m.help)
	f := cmd.Flags()
	m.kind.addTo(cmd)
	f.DurationVar(&m.ttl, "ttl", 0, "longest `time` for which the message waits for a client, whole seconds up to 5m0s; by default it does not expire")
	f.StringToStringVar(&m.metadata, "metadata", nil, "`name=value` for clients of the JSON subprotocols; can be repeated")
	f.Lookup("metadata").DefValue = "" // pflag would print []
	return acting(cmd, fmt.Sprintf(sendShape, member), func(ctx context.Context, c *service.Client, args []string) (action, error) {
		data, err := m.kind.read(cmd, args[len(args)-1], maxMessage) //nolint:contextcheck // the command has it
		if err != nil {
			return action{}, usage("MESSAGE: %w", err)
		}
		if err := m.check(); err != nil {
			return action{}, err
		}
		target, done := to(c, args)
		size := len(data)
		done.Accepted, done.Type, done.Bytes = true, m.kind.name, &size
		return done, target.Send(ctx, m.kind.mediaType(), bytes.NewReader(data), &service.SendOptions{
			Filter: m.filter.filter(), Excluded: m.excluded, TTL: m.ttl, Metadata: m.metadata,
		})
	}, operation)
}

// check checks the flags, so that errors name them.
func (m *message) check() error {
	if rule.CheckTTL(m.ttl) != nil {
		return usage("--ttl %v: want whole seconds from 0 to %v", m.ttl, rule.MaxTTL)
	}
	if err := rule.CheckMetadataHeaders(m.metadata); err != nil {
		return usage("--metadata: %s", strings.TrimPrefix(err.Error(), "metadata "))
	}
	return checkExcluded(m.excluded)
}

// addSelection adds the flags that select connections of a target.
func (m *message) addSelection(cmd *cobra.Command) {
	m.help = filterHelp
	cmd.Flags().Var(&m.filter, "filter", "`filter` that selects connections of the target")
}

// addExcluded adds the flag of targets that can leave out connections.
func (m *message) addExcluded(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&m.excluded, "exclude", nil, "`id` of a connection that does not receive the message; can be repeated")
}

func sendAllCommand() *cobra.Command {
	var m message
	cmd := &cobra.Command{
		Use:   "all MESSAGE",
		Short: "Send a message to all connections of a hub",
		Example: `  webpubsub send all "the doors are open" --hub chat
  webpubsub send all '{"doors": "open"}' --type json --hub chat \
    --filter "not ('vip' in groups)"
  date | webpubsub send all - --hub chat --ttl 1m`,
		Args: exactly(1),
	}
	m.addSelection(cmd)
	m.addExcluded(cmd)
	return sending(cmd, &m, `"all": true`, func(c *service.Client, _ []string) (sender, action) { return c.All(), action{All: true} }, "SendToAll")
}

func sendGroupCommand() *cobra.Command {
	var m message
	cmd := &cobra.Command{
		Use:     "group NAME MESSAGE",
		Short:   "Send a message to a group",
		Example: `  webpubsub send group lobby "the doors are open" --hub chat`,
		Args:    groupFirst(2),
	}
	m.addSelection(cmd)
	m.addExcluded(cmd)
	return sending(cmd, &m, `"group": "lobby"`, func(c *service.Client, args []string) (sender, action) {
		return c.Group(args[0]), action{Group: args[0]}
	}, "SendToGroup")
}

func sendUserCommand() *cobra.Command {
	var m message
	cmd := &cobra.Command{
		Use:     "user ID MESSAGE",
		Short:   "Send a message to all connections of a user",
		Example: `  webpubsub send user ann "hello, Ann" --hub chat`,
		Args:    idFirst(2),
	}
	m.addSelection(cmd)
	return sending(cmd, &m, `"user": "ann"`, func(c *service.Client, args []string) (sender, action) {
		return c.User(args[0]), action{User: args[0]}
	}, "SendToUser")
}

func sendConnectionCommand() *cobra.Command {
	return sending(&cobra.Command{
		Use:     "connection ID MESSAGE",
		Short:   "Send a message to a connection",
		Example: `  webpubsub send connection $CONNECTION @message.txt --hub chat`,
		Args:    idFirst(2),
	}, new(message), `"connection": "…"`, func(c *service.Client, args []string) (sender, action) {
		return c.Connection(args[0]), action{Connection: args[0]}
	}, "SendToConnection")
}
