package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
)

// suggestFlags adds a flag with a similar name to the error for an unknown flag.
func suggestFlags(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if meant := similar.Name(unknown.GetSpecifiedName(), names); meant != "" {
		return fmt.Errorf("%w, did you mean --%s?", err, meant)
	}
	return err
}
