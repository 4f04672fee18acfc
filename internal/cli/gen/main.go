// Command gen writes the documents of the program webpubsub, from its commands:
//
//	go run ./internal/cli/gen markdown         docs/cli.md, on standard output
//	go run ./internal/cli/gen man DIRECTORY    man pages
//
// It is not part of webpubsub, which so links no generator.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "markdown":
		_, err := io.WriteString(stdout, markdown(root()))
		return err
	case len(args) == 2 && args[0] == "man":
		return man(root(), args[1])
	}
	return fmt.Errorf("want markdown, or man DIRECTORY")
}

// root returns the commands with everything that cobra adds to them when it runs one.
func root() *cobra.Command {
	root := cli.Root(func(string) (string, bool) { return "", false })
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	return root
}
