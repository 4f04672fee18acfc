package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

const install = "go install github.com/go-webpubsub/webpubsub/cmd/webpubsub@latest"

const origin = "This page is generated from the help of the commands, by `make golden`. `make man` writes\n" +
	"man pages to `bin/man`. More about the emulator is in [emulator.md](emulator.md), and about\n" +
	"settings in [settings.md](settings.md).\n"

// markdown returns one page about all commands.
func markdown(root *cobra.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# The command line\n\n```sh\n%s\n```\n\n%s\n\n%s\n", install, prose(root.Long), origin)
	b.WriteString("| command | purpose |\n|---|---|\n")
	commands := leaves(root)
	for _, c := range commands {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s |\n", c.CommandPath(), anchor(c), escape(c.Short))
	}
	for _, c := range commands {
		section(&b, c)
	}
	return b.String()
}

// leaves returns the commands that do something, in the order of the help.
func leaves(c *cobra.Command) []*cobra.Command {
	if !c.HasSubCommands() {
		return []*cobra.Command{c}
	}
	var found []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			found = append(found, leaves(sub)...)
		}
	}
	return found
}

func section(b *strings.Builder, c *cobra.Command) {
	c.InitDefaultHelpFlag()
	fmt.Fprintf(b, "\n## %s\n\n", c.CommandPath())
	fmt.Fprintf(b, "```\n%s\n```\n\n", c.UseLine())
	fmt.Fprintf(b, "%s\n", prose(c.Long))
	if c.Example != "" {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", dedent(c.Example))
	}
	fmt.Fprintf(b, "\n```\n%s```\n", c.LocalFlags().FlagUsages())
}

// anchor returns the fragment by which GitHub links to the heading of a command.
func anchor(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// prose returns the text of a help as Markdown: paragraphs, and blocks indented by two
// spaces, which become code.
func prose(text string) string {
	var b strings.Builder
	code := false
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines {
		indented := strings.HasPrefix(line, "  ")
		ends := line == "" && i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "  ")
		switch {
		case indented && !code:
			b.WriteString("```\n")
			code = true
		case code && (ends || line != "" && !indented):
			b.WriteString("```\n")
			code = false
		}
		if code {
			line = strings.TrimPrefix(line, "  ")
		} else {
			line = escape(line)
		}
		b.WriteString(line + "\n")
	}
	if code {
		b.WriteString("```\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var markup = regexp.MustCompile("[*_<>`|\\[\\]\\\\]")

// escape returns a line as text of Markdown.
func escape(line string) string { return markup.ReplaceAllString(line, `\$0`) }

// dedent removes the indentation of an example.
func dedent(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(line, "  ")
	}
	return strings.Join(lines, "\n")
}
