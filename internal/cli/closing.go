package cli

import (
	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/service"
)

// closing holds the flags of commands that close connections.
type closing struct {
	reason   string
	excluded []string
}

// addTo adds the flags.
func (o *closing) addTo(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.reason, "reason", "", "`text` for the clients")
	f.StringArrayVar(&o.excluded, "exclude", nil, "`id` of a connection that stays open; can be repeated")
}

// options returns the options of the flags, after checking them.
func (o *closing) options() (*service.CloseOptions, error) {
	return &service.CloseOptions{Reason: o.reason, Excluded: o.excluded}, checkExcluded(o.excluded)
}
