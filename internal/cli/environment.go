package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// Environment returns a variable of the environment and whether it is set.
type Environment func(name string) (string, bool)

// fromEnvironment sets flags that were not given from variables WEBPUBSUB_….
func fromEnvironment(flags *pflag.FlagSet, env Environment) error {
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || first != nil {
			return
		}
		name := variable(f.Name)
		if v, ok := env(name); ok && v != "" {
			if err := f.Value.Set(v); err != nil {
				first = usage("%s %s: %w", name, excerpt.Name(v), err)
			}
		}
	})
	return first
}

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "WEBPUBSUB_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
