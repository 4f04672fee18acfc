package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// between accepts so many arguments. Its error shows the command's synopsis.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) > most:
			return fmt.Errorf("unexpected argument %s, want: %s", excerpt.Name(args[most]), cmd.UseLine())
		case len(args) < least:
			return fmt.Errorf("an argument is missing, want: %s", cmd.UseLine())
		}
		return nil
	}
}

// exactly accepts n arguments.
func exactly(n int) cobra.PositionalArgs { return between(n, n) }

// readArgument returns the bytes that an argument or flag stands for: of stdin for "-"
// and "@-", of a file for "@name", and otherwise the argument itself. "@@" is one @ of the
// argument itself. More than most bytes are an error.
func readArgument(cmd *cobra.Command, argument string, most int64) ([]byte, error) {
	name, named := strings.CutPrefix(argument, "@")
	switch {
	case argument == "-":
		return readNamed(cmd, "-", most)
	case !named || strings.HasPrefix(name, "@"):
		return readAll(strings.NewReader(name), most)
	case name == "":
		return nil, errors.New("want the name of a file after @, or @@ for the character itself")
	}
	return readNamed(cmd, name, most)
}

// readNamed reads a file, or stdin for "-".
func readNamed(cmd *cobra.Command, name string, most int64) ([]byte, error) {
	if name == "-" {
		return readInput(cmd.Context(), cmd.InOrStdin(), most)
	}
	data, err := readFile(name, most)
	if failed := (*os.PathError)(nil); errors.As(err, &failed) {
		err = failed.Err // without the name, which may be a secret that was passed by mistake
	}
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", excerpt.Name(name), err)
	}
	return data, nil
}

// readInput reads stdin, which may be a terminal, until ctx ends.
func readInput(ctx context.Context, stdin io.Reader, most int64) ([]byte, error) {
	var data []byte
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		data, err = readAll(stdin, most)
	}()
	select {
	case <-done:
		return data, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readFile reads a file of at most so many bytes.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	return readAll(f, most)
}

// readAll reads at most so many bytes.
func readAll(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		return nil, fmt.Errorf("longer than %d bytes", most)
	}
	return data, err
}
