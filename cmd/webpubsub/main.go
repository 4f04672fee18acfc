// Command webpubsub is Azure Web PubSub from the command line: see webpubsub help.
package main

import (
	"os"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.LookupEnv, os.Stdin, os.Stdout, os.Stderr))
}
