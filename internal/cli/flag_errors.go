package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

// flagError returns the error of a flag that is unknown, with a similar name, or of one
// that has an invalid value, with the rule.
func flagError(cmd *cobra.Command, err error) error {
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
		f := invalid.GetFlag()
		return fmt.Errorf("--%s %s: %w", f.Name, excerpt.Name(upstream.WithoutSecrets(invalid.GetValue())), valueRule(f, invalid.Unwrap()))
	}
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

// ruleOf returns an error without the subject that it begins with, which the flag and its
// value replace.
func ruleOf(err error, subject string) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), subject+": "))
}

// valueRule returns what a flag's value must be, after it could not be set. The cause has
// it for the types of this package; the standard library's errors do not say it.
func valueRule(f *pflag.Flag, cause error) error {
	switch f.Value.Type() {
	case "bool":
		return errors.New("want true or false")
	case "duration":
		return errors.New("want a duration, such as 90s")
	case "int":
		return errors.New("want a whole number")
	case "stringToString":
		return errors.New("want name=value")
	}
	return cause
}
