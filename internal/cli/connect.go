package cli

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/service"
)

const connectLong = `Connects a client to a hub, prints what it receives, and runs the commands that you type:

  join GROUP                        leave GROUP
  send GROUP MESSAGE                event NAME [MESSAGE]
  send --json GROUP {"text": "hi"}  invoke NAME [MESSAGE]
  send --binary GROUP AAE=          help, quit

  publish GROUP MESSAGE             state-set GROUP NAME=VALUE...
  end GROUP                         state-clear, state-get GROUP
  state-list GROUP                  state-subscribe, state-unsubscribe GROUP

A message is the rest of the line: text, JSON after --json, or base64 after --binary. A
name with spaces is in double quotes. publish sends a piece of a stream, which end ends;
streams to groups that the client is in are printed. A state is of this connection in a
group that it has joined; those who subscribe see it.

At a terminal, Tab completes commands and names of groups, the arrow keys recall lines,
and Ctrl+C or Ctrl+D closes the connection; a line has at most 4096 characters. A message
is printed up to 4096 bytes, with its control characters escaped. Lines are kept for the
next session in webpubsub/connect-history below XDG_STATE_HOME (~/.local/state), which
only you can read: the last 500, without lines that may have a secret, such as a token or
a key, or that begin with a space. --no-history turns that off.

When the connection is lost, the client recovers it (json.reliable, protobuf.reliable) or
makes a new one, and prints whether messages were missed. Over protobuf, messages do not
name their sender. A client with --protocol raw has no subprotocol: it can only send
frames, which are the user event message, and it is never recovered.

With --json each line of standard input is a command, and each line of standard output a
JSON object. Its type is one of
  connected, reconnected       connectionId, userId
  recovering, disconnected     connectionId, reason
  recovered                    connectionId
  message                      from (group or server), group, fromUserId,
                               dataType, data, metadata
  piece, streamEnded           the same of a stream, with streamId, reason
  state, stateCleared          group, connectionId, userId, state
  states                       group, states (connectionId, userId, state each)
  done, failed                 command, group, event, streamId, reason
  answer                       event, dataType, data
  problem                      reason
At the end of standard input the client finishes its commands and closes the connection.
The exit code is then 1 if a command has failed.

The command makes the client's token, with --user, --role and --group. In place of that
it takes a client URL from your server: by WEBPUBSUB_URL, --url-file or --url (other users
of this machine can see the arguments of a process). A client URL is secret, and is never
printed.`

const maxURLFile = 64 << 10

// roleNone is the value of --role for a client without roles.
const roleNone = "none"

// connectFlags holds the values of the flags.
type connectFlags struct {
	target       target
	protocol     string
	json         bool
	user         string
	roles        []string
	groups       []string
	url, urlFile string
	noHistory    bool
}

func connectCommand(env Environment) *cobra.Command {
	var in connectFlags
	var names []string
	for _, p := range protocols() {
		names = append(names, p.name)
	}
	cmd := &cobra.Command{
		Use:   "connect",
		Short: "Connect a client and talk through it",
		Long:  connectLong + "\n\n" + targetHelp + "\n\nREST API: GenerateClientToken, with --endpoint.",
		Example: `  webpubsub connect --hub chat --user ann --group lobby

  printf 'join news\nsend news hello\n' |
    webpubsub connect --hub chat --user ann --json

  webpubsub token --hub chat --url-only > client-url
  webpubsub connect --url-file client-url --protocol json`,
		Args:        exactly(0),
		Annotations: map[string]string{operations: "GenerateClientToken"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return in.run(cmd, env)
		},
	}
	f := cmd.Flags()
	in.target.addTo(f)
	f.StringVar(&in.protocol, "protocol", names[0], "`name` of the protocol: "+strings.Join(names, ", "))
	f.BoolVar(&in.json, "json", false, "print lines of JSON, and read commands without a prompt")
	f.StringVar(&in.user, "user", "", "`id` of the user")
	f.StringArrayVar(&in.roles, "role", nil, "`role` of the client, none for no role; can be repeated; by default it has all rights in groups")
	f.StringArrayVar(&in.groups, "group", nil, "`name` of a group that the client is in from the start; can be repeated")
	f.StringVar(&in.url, "url", "", "client `URL` with its token, in place of a service; better set WEBPUBSUB_URL")
	f.StringVar(&in.urlFile, "url-file", "", "`file` with the client URL")
	f.BoolVar(&in.noHistory, "no-history", false, "neither read nor write the file of lines that were typed")
	completeValues(cmd, "protocol", names...)
	return cmd
}

func (in *connectFlags) run(cmd *cobra.Command, env Environment) error {
	protocol, err := in.speaks()
	if err != nil {
		return err
	}
	credential, err := in.credential(cmd)
	if err != nil {
		return err
	}
	ctx, quit := context.WithCancel(cmd.Context())
	defer quit()
	var seen seenGroups
	seen.add(in.groups...)
	c := &console{}
	if c.session, err = protocol.open(credential, c, &seen); err != nil {
		return err
	}
	var forgotten error
	if c.input, forgotten, err = in.open(ctx, cmd, env, c.session.commands(), &seen, quit); err != nil {
		return err
	}
	defer c.input.restore()
	defer context.AfterFunc(ctx, c.input.restore)() // also before a second signal
	if in.json {
		c.view = newJSONView(c.input.out)
	} else {
		c.view = &textView{w: c.input.out, paint: paletteFor(cmd.OutOrStdout(), env)}
		c.help = c.input.out
	}
	if forgotten != nil {
		c.show(news{Type: newsProblem, Reason: "history of lines: " + forgotten.Error()})
	}
	err = c.serve(ctx)
	if cmd.Context().Err() == nil && ctx.Err() != nil {
		return nil // the user has quit, perhaps while the client was connecting
	}
	return err
}

// speaks returns the protocol of the flag.
func (in *connectFlags) speaks() (protocol, error) {
	known := protocols()
	names := make([]string, 0, len(known))
	for _, p := range known {
		if p.name == in.protocol {
			return p, nil
		}
		names = append(names, p.name)
	}
	return protocol{}, usage("--protocol %s: %s", excerpt.Name(in.protocol), similar.Hint(in.protocol, names))
}

// open returns the input: a prompt if both sides are a terminal, and otherwise lines. The
// error of the history is one to print.
func (in *connectFlags) open(ctx context.Context, cmd *cobra.Command, env Environment, commands []typed, seen *seenGroups, quit func()) (opened *input, history, err error) {
	fd, typing := terminal(cmd.InOrStdin())
	_, reading := terminal(cmd.OutOrStdout())
	if typing && reading && !in.json {
		path := historyPath(env)
		if in.noHistory {
			path = ""
		}
		past, history := openHistory(path)
		opened, err = openPrompt(ctx, fd, cmd.InOrStdin(), cmd.OutOrStdout(), commands, seen, past, quit)
		return opened, history, err
	}
	return readLines(ctx, cmd.InOrStdin(), cmd.OutOrStdout()), nil, nil
}

// credential returns the source of client URLs: the flags, or a service that makes
// tokens.
func (in *connectFlags) credential(cmd *cobra.Command) (client.Credential, error) {
	address, err := in.clientURL(cmd)
	if err != nil {
		return nil, err
	}
	if address != "" {
		return client.StaticURL(address), nil
	}
	opts, err := in.access()
	if err != nil {
		return nil, err
	}
	hub, err := in.target.client(cmd, nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (string, error) {
		access, err := hub.ClientAccess(ctx, opts)
		return access.URL(), err
	}, nil
}

// access returns the options of the client's tokens.
func (in *connectFlags) access() (*service.ClientAccessOptions, error) {
	opts := &service.ClientAccessOptions{UserID: in.user, Roles: in.roles, Groups: in.groups}
	switch {
	case len(in.roles) == 0:
		opts.Roles = []string{service.RoleJoinLeaveAnyGroup, service.RoleSendToAnyGroup, service.RoleGetAnyGroupState, service.RoleSetAnyGroupState}
	case slices.Equal(in.roles, []string{roleNone}):
		opts.Roles = nil
	}
	return opts, checkAccess(opts, "")
}

// clientURL returns the client URL of the flags, or "". A flag of the command line has
// precedence over the environment, even if the flag names a service.
func (in *connectFlags) clientURL(cmd *cobra.Command) (string, error) {
	flags := cmd.Flags()
	typed := flags.Changed("url") || flags.Changed("url-file")
	service := slices.ContainsFunc([]string{flagConnectionString, flagConnectionStringFile, flagEndpoint}, flags.Changed)
	switch {
	case in.url == "" && in.urlFile == "", service && !typed:
		return "", nil
	case in.url != "" && in.urlFile != "" && flags.Changed("url") == flags.Changed("url-file"):
		return "", usage("--url and --url-file are set, want one of them")
	case service:
		return "", usage("a client URL and a service are set, want one of them")
	case !typed && in.target.named():
		return "", usage("a client URL and a service are set in the environment, want one of them, or a flag")
	}
	for _, name := range []string{"user", "role", "group"} {
		if flags.Changed(name) {
			return "", usage("--%s: the token of the client URL decides, want it without a client URL", name)
		}
	}
	address, source := in.url, "--url"
	if in.url == "" || flags.Changed("url-file") {
		source = "--url-file"
		if in.urlFile == "-" {
			return "", usage("--url-file -: want the name of a file, standard input has the commands")
		}
		data, err := readNamed(cmd, in.urlFile, maxURLFile)
		if err != nil {
			return "", usage("--url-file: %w", err)
		}
		address = strings.TrimSpace(string(data))
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !slices.Contains([]string{"ws", "wss", "http", "https"}, u.Scheme) {
		return "", usage("%s: want a client URL, such as wss://name.webpubsub.azure.com/client/hubs/chat?access_token=…", source)
	}
	return address, nil
}
