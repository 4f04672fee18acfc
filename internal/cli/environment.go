package cli

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// Environment returns a variable of the environment and whether it is set.
type Environment func(name string) (string, bool)

// fromEnvironment sets flags that were not given from variables WEBPUBSUB_…, unless an
// alternative to them was given.
func fromEnvironment(flags *pflag.FlagSet, env Environment) error {
	var first error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" || first != nil || slices.ContainsFunc(f.Annotations[annotationAlternatives], flags.Changed) {
			return
		}
		name := variable(f.Name)
		v, ok := env(name)
		if !ok || v == "" {
			return
		}
		switch err := f.Value.Set(v); {
		case err == nil:
		case f.Value.Type() == "bool": // the variable may be meant for another command, and its value be a secret
			first = usage("%s: want true or false, for --%s", name, f.Name)
		default:
			first = usage("%s %s: %w", name, excerpt.Name(upstream.WithoutSecrets(v)), valueRule(f, err))
		}
	})
	return first
}

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "WEBPUBSUB_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
