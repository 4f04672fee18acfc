package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"github.com/go-webpubsub/webpubsub/internal/version"
)

// man writes a page for each command. SOURCE_DATE_EPOCH sets their date.
func man(root *cobra.Command, directory string) error {
	if err := os.MkdirAll(directory, 0o755); err != nil { //nolint:gosec // others may read manuals
		return err
	}
	root.DisableAutoGenTag = true
	toMarkdown(root)
	return doc.GenManTree(root, &doc.GenManHeader{
		Section: "1", Source: "webpubsub " + version.Version, Manual: "Azure Web PubSub",
	}, directory)
}

// toMarkdown makes Markdown of plain text where cobra's generator reads it.
func toMarkdown(c *cobra.Command) {
	c.Short, c.Long = escape(c.Short), prose(c.Long)
	c.LocalFlags().VisitAll(func(f *pflag.Flag) { f.Usage = escapeUsage(f.Usage) })
	for _, sub := range c.Commands() {
		toMarkdown(sub)
	}
}

// escapeUsage escapes the usage of a flag, in which back quotes mark the name of its value.
func escapeUsage(text string) string {
	parts := strings.Split(text, "`")
	for i := range parts {
		parts[i] = escape(parts[i])
	}
	return strings.Join(parts, "`")
}
