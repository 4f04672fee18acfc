package cli

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli/azure"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

const settingsLong = `Prints the settings of hubs for the tools that configure Azure, or for the emulator.

The settings are those of a file, which the emulator reads too ("webpubsub emulator
--help" shows one), or of flags for one hub with one event handler, or of a running
handler. Beyond the file of the emulator, the URL of an event handler may have references
to a key vault.

  az         commands of the az CLI, for a POSIX shell
  bicep      a Bicep file
  terraform  a Terraform file: provider azurerm, and azapi for what it lacks
  emulator   a settings file, in YAML
  json       the same, in JSON

` + settingsHandlerHelp + `

With --validate, each event handler is asked first for its consent to a host, as the
service does when it saves the settings. If one does not consent, the command prints the
cause and the remedy, no settings, and exits with 1.

The settings contain URLs as they are, with their queries. Notes on what the service
cannot use are on standard error.

` + keyHelp + ` It is for --from-handler only.`

// settingsFlags holds the values of the flags.
type settingsFlags struct {
	target       target // its hub is that of the flags
	handler, url string
	userEvents   string
	systemEvents []string
	groupEvents  []string
	groupFilters []string
	anonymous    bool
	authResource string
	format       string
	service      azure.Service
	validateFor  string
}

// Formats of settings.
const (
	formatAzureCLI  = "az"
	formatBicep     = "bicep"
	formatTerraform = "terraform"
	formatEmulator  = "emulator"
)

func settingsCommand() *cobra.Command {
	var in settingsFlags
	cmd := &cobra.Command{
		Use:   "settings [FILE]",
		Short: "Print settings of hubs for az, Bicep, Terraform or the emulator",
		Long:  settingsLong,
		Example: `  # a hub with one event handler, for the az CLI
  webpubsub settings --hub chat --upstream https://example.com/eventhandler

  # the settings of the emulator, for Bicep
  webpubsub settings settings.yaml --format bicep

  # of a handler that runs
  webpubsub settings --hub chat --format emulator \
    --from-handler http://localhost:3000/eventhandler

  # ask the running handler for its consent, then print
  webpubsub settings --hub chat --validate localhost \
    --upstream http://localhost:3000/eventhandler`,
		Args: between(0, 1),
		RunE: in.run,
	}
	f := cmd.Flags()
	f.StringVar(&in.target.hub, "hub", "", "`name` of the hub, without FILE")
	in.target.addKeyTo(f)
	f.StringVar(&in.handler, "from-handler", "", "`URL` of a running event handler, whose settings are printed")
	f.StringVar(&in.url, "upstream", "", "`URL` of its event handler; may have {hub} and {event}")
	f.StringVar(&in.userEvents, "user-events", "*", "user events of the event handler: *, or `names` separated by commas")
	f.StringSliceVar(&in.systemEvents, "system-events", systemEvents(), "system events of the event handler, `names` separated by commas")
	f.StringSliceVar(&in.groupEvents, "group-events", nil, "group presence events of the event handler: joined, left, or both; `names` separated by commas")
	f.StringArrayVar(&in.groupFilters, "group-filter", nil, "`pattern` of groups for --group-events; can be repeated")
	f.BoolVar(&in.anonymous, "anonymous", false, "accept clients without a token")
	f.StringVar(&in.authResource, "auth-resource", "", "`audience` of Entra tokens that the service sends to the event handler")
	f.StringVarP(&in.format, "format", "f", formatAzureCLI, "`format`: az, bicep, terraform, emulator or json")
	f.StringVar(&in.service.Name, "service", "my-service", "`name` of the Web PubSub resource")
	f.StringVar(&in.service.ResourceGroup, "resource-group", "my-group", "`name` of its resource group")
	f.StringVar(&in.validateFor, "validate", "", "`host` of the service, for example my-service.webpubsub.azure.com, that the event handlers must accept")
	completeValues(cmd, "format", formatAzureCLI, formatBicep, formatTerraform, formatEmulator, formatJSON)
	completeValues(cmd, "system-events", systemEvents()...)
	completeValues(cmd, "group-events", "joined", "left")
	return cmd
}

func (in *settingsFlags) run(cmd *cobra.Command, args []string) error {
	write, err := in.writer()
	if err != nil {
		return err
	}
	file, data, err := in.settings(cmd, args)
	if err != nil {
		return err
	}
	if err := in.check(file.hubs(), data); err != nil {
		return err
	}
	var seen []string
	if in.handler != "" && len(args) == 0 {
		if seen, err = in.fromHandler(cmd); err != nil {
			return err
		}
		file.Hubs[in.target.hub].EventHandlers[0].SystemEvents = in.systemEvents
	}
	text, err := write(file, file.hubs())
	if err != nil {
		return err
	}
	if in.validateFor != "" {
		if err := validateHandlers(cmd.Context(), cmd.ErrOrStderr(), in.validateFor, file.hubs()); err != nil {
			return err
		}
	}
	return in.show(cmd, seen, file.hubs(), text)
}

// show prints the settings after comments, and notes about them.
func (in *settingsFlags) show(cmd *cobra.Command, comments []string, hubs []azure.Hub, text string) error {
	notes := cmd.ErrOrStderr()
	if in.format == formatJSON { // it has no comments
		for _, line := range comments {
			fmt.Fprintln(notes, "note:", line)
		}
		comments = nil
	}
	if in.format != formatEmulator && in.format != formatJSON {
		noteUnusable(notes, hubs)
	}
	_, err := io.WriteString(cmd.OutOrStdout(), comment(in.format, comments)+text)
	return err
}

// writer returns the function that writes settings in the format.
func (in *settingsFlags) writer() (func(*settingsFile, []azure.Hub) (string, error), error) {
	tool := func(f func(azure.Service, []azure.Hub) string) func(*settingsFile, []azure.Hub) (string, error) {
		return func(_ *settingsFile, hubs []azure.Hub) (string, error) { return f(in.service, hubs), nil }
	}
	switch in.format {
	case formatAzureCLI:
		return tool(azure.CLI), nil
	case formatBicep:
		return tool(azure.Bicep), nil
	case formatTerraform:
		return tool(azure.Terraform), nil
	case formatEmulator:
		return (*settingsFile).yaml, nil
	case formatJSON:
		return (*settingsFile).json, nil
	}
	return nil, usage("--format %s: want az, bicep, terraform, emulator or json", excerpt.Name(in.format))
}

// settings returns the settings of the file, with its text, or of the flags.
func (in *settingsFlags) settings(cmd *cobra.Command, args []string) (*settingsFile, []byte, error) {
	if len(args) == 1 {
		if flag := firstChanged(cmd, slices.Concat([]string{"hub", "from-handler", "upstream", "anonymous"}, handlerFlags)); flag != "" {
			return nil, nil, usage("--%s: FILE has the settings, want one of them", flag)
		}
		data, err := readNamed(cmd, args[0], maxSettings)
		if err != nil {
			return nil, nil, usage("FILE: %w", err)
		}
		file, err := decodeSettings(data)
		if err != nil {
			return nil, nil, usage("FILE %s: %w", excerpt.Name(args[0]), err)
		}
		return file, data, nil
	}
	if in.target.hub == "" {
		return nil, nil, usage("no hub, want FILE or --hub")
	}
	if err := in.checkFlags(cmd); err != nil {
		return nil, nil, err
	}
	if in.url == "" {
		in.url = in.handler
	}
	hub := hubSettings{AnonymousConnectPolicy: "deny"}
	if in.anonymous {
		hub.AnonymousConnectPolicy = "allow"
	}
	if in.url != "" {
		h := eventHandler{URLTemplate: in.url, UserEventPattern: in.userEvents, SystemEvents: in.systemEvents}
		h.GroupPresenceEvents = groupPresenceEvents{EventNames: in.groupEvents, GroupFilters: in.groupFilters}
		if in.authResource != "" {
			h.Auth = auth{Type: authIdentity, ManagedIdentity: managedIdentity{Resource: in.authResource}}
		}
		hub.EventHandlers = []eventHandler{h}
	} else if flag := firstChanged(cmd, slices.Concat(handlerFlags, []string{"validate"})); flag != "" {
		return nil, nil, usage("--%s is about an event handler, want --upstream or --from-handler with it", flag)
	}
	return &settingsFile{Hubs: map[string]hubSettings{in.target.hub: hub}}, nil, nil
}

// handlerFlags are the flags about the event handler of --upstream.
var handlerFlags = []string{"user-events", "system-events", "group-events", "group-filter", "auth-resource"}

// firstChanged returns the first of the flags that the command line has, or "".
func firstChanged(cmd *cobra.Command, flags []string) string {
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			return name
		}
	}
	return ""
}
