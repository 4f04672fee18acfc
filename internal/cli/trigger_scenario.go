package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli/scenario"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

// scenarioResult is the result of a scenario for scripts.
type scenarioResult struct {
	Passed    bool           `json:"passed"`
	NotPlayed int            `json:"notPlayed"`
	Steps     []scenarioStep `json:"steps"`
}

type scenarioStep struct {
	Number int              `json:"number"`
	Title  string           `json:"title"`
	Met    bool             `json:"met"`
	Unmet  []scenario.Unmet `json:"unmet,omitempty"`
	Result triggerResult    `json:"result"`
}

// playScenario plays the events of a file. It prints each step as soon as it is played,
// or all of them as JSON at the end.
func (in *triggerFlags) playScenario(cmd *cobra.Command, args []string, env Environment) error {
	if len(args) != 1 {
		return usage("--scenario %s: want one URL and no event, got %d arguments", excerpt.Name(in.scenario), len(args))
	}
	if err := checkHub(in.hub); err != nil {
		return err
	}
	target, err := in.target(cmd, args[0])
	if err != nil {
		return err
	}
	data, err := readNamed(cmd, in.scenario, scenario.MaxBytes)
	if err != nil {
		return usage("--scenario: %w", err)
	}
	played, err := scenario.Parse(data)
	if err != nil {
		return usage("--scenario %s: %w", excerpt.Name(in.scenario), err)
	}
	w := cmd.OutOrStdout()
	p := paletteFor(w, env)
	result := scenarioResult{Steps: []scenarioStep{}}
	passed, err := played.Play(cmd.Context(), target, func(s *scenario.Played) {
		result.Steps = append(result.Steps, scenarioStep{s.Number, s.Title, len(s.Unmet) == 0, s.Unmet, resultOf(s.Result)})
		if !in.output.json() {
			writeStep(w, s, p)
		}
	})
	if err != nil {
		return err
	}
	result.Passed, result.NotPlayed = passed == played.Len(), played.Len()-len(result.Steps)
	err = in.print(w, result, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%d of %d steps passed, %d not played\n", passed, played.Len(), result.NotPlayed)
		return err
	})
	if err == nil && !result.Passed {
		err = ErrNo
	}
	return err
}

// writeStep writes a step for people.
func writeStep(w io.Writer, s *scenario.Played, p palette) {
	word := p.green("ok")
	if len(s.Unmet) > 0 {
		word = p.red("no")
	}
	answer := "no answer"
	if s.Result.Status != 0 {
		answer = fmt.Sprintf("%s in %v", paintStatus(p, s.Result.Status), rounded(s.Result.Took))
	}
	fmt.Fprintf(w, "%s %3d  %-20s  %s\n", word, s.Number, printable(s.Title), answer)
	for _, u := range s.Unmet {
		fmt.Fprintf(w, "        %s:\n", printable(u.What))
		for line := range strings.Lines(u.Diff()) {
			line = printableLines(strings.TrimSuffix(line, "\n"))
			switch {
			case strings.HasPrefix(line, "-"):
				line = p.red(line)
			case strings.HasPrefix(line, "+"):
				line = p.green(line)
			}
			fmt.Fprintf(w, "        %s\n", line)
		}
	}
}
