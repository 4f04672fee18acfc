package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
)

// checkReport is the result of check as JSON. The command's help documents it.
type checkReport struct {
	URL         string        `json:"url"`
	Hub         string        `json:"hub"`
	Origin      string        `json:"origin"`
	Status      string        `json:"status"`
	Interrupted bool          `json:"interrupted"`
	Passed      int           `json:"passed"`
	Warned      int           `json:"warned"`
	Failed      int           `json:"failed"`
	Untried     int           `json:"untried"`
	Checks      []checkResult `json:"checks"`
}

type checkResult struct {
	ID       string             `json:"id"`
	Step     conformance.Step   `json:"step"`
	Status   conformance.Status `json:"status"`
	Rule     string             `json:"rule"`
	Reason   string             `json:"reason"`
	Problems []string           `json:"problems,omitempty"`
	Cause    *checkCause        `json:"cause,omitempty"`
	Remedy   string             `json:"remedy,omitempty"`
	Because  string             `json:"because,omitempty"`
	Why      string             `json:"why,omitempty"`
}

type checkCause struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// add adds a result.
func (c *checkReport) add(r *conformance.Result) {
	out := checkResult{ID: r.ID, Step: r.Step, Status: r.Status, Rule: r.Rule, Reason: r.Reason, Problems: r.Problems, Because: r.Because, Why: r.Why}
	switch r.Status {
	case conformance.Passed:
		c.Passed++
	case conformance.Untried:
		c.Untried++
	case conformance.Warned:
		c.Warned++
		out.Remedy = r.Remedy()
	case conformance.Failed:
		c.Failed++
		out.Remedy = r.Remedy()
	}
	if r.Cause != nil {
		out.Cause = &checkCause{r.Cause.ID, r.Cause.Text}
	}
	c.Checks = append(c.Checks, out)
}

// statusInterrupted is the status of a report without a failed check that is not complete.
const statusInterrupted = "interrupted"

// end sets the status.
func (c *checkReport) end(interrupted bool) {
	c.Interrupted = interrupted
	switch {
	case c.Failed > 0:
		c.Status = string(conformance.Failed)
	case interrupted:
		c.Status = statusInterrupted
	default:
		c.Status = string(conformance.Passed)
	}
}

// first returns the first result of a status.
func (c *checkReport) first(status conformance.Status) *checkResult {
	for i := range c.Checks {
		if c.Checks[i].Status == status {
			return &c.Checks[i]
		}
	}
	return nil
}

// maxProblems is the number of problems of a check that are printed.
const maxProblems = 3

// checkLines prints results for people, as they come.
type checkLines struct {
	w     io.Writer
	paint palette
	step  conformance.Step
	// untried is the number of results that are printed as one line.
	untried int
	because string
	err     error
}

func (c *checkLines) printf(format string, args ...any) {
	if c.err == nil {
		_, c.err = fmt.Fprintf(c.w, format, args...)
	}
}

// add prints a result, or counts it if it is one of several that were not tried.
func (c *checkLines) add(r *conformance.Result) {
	untried := r.Status == conformance.Untried
	if !untried || r.Because != c.because || r.Step != c.step {
		c.flush()
	}
	if r.Step != c.step {
		c.step = r.Step
		c.printf("%s\n", c.paint.bold(string(r.Step)))
	}
	switch r.Status {
	case conformance.Untried:
		if r.Because == "" {
			c.printf("  %s  %s: not tried, %s\n", c.paint.faint("-     "), r.ID, r.Why)
			return
		}
		c.untried++
		c.because = r.Because
	case conformance.Passed:
		c.printf("  %s  %s: %s\n", c.paint.green("passed"), r.ID, r.Rule)
	case conformance.Warned:
		c.printf("  %s  %s: %s\n", c.paint.yellow("warned"), r.ID, r.Rule)
		c.explain(r)
	case conformance.Failed:
		c.printf("  %s  %s: %s\n", c.paint.red("failed"), r.ID, r.Rule)
		c.explain(r)
	}
}

// explain prints why a check did not pass.
func (c *checkLines) explain(r *conformance.Result) {
	for i, problem := range r.Problems {
		if i == maxProblems {
			c.printf("          … and %d more\n", len(r.Problems)-i)
			break
		}
		c.printf("          %s\n", printable(problem)) // it may quote a certificate
	}
	c.printf("          reason: %s\n", r.Reason)
	if r.Cause != nil {
		c.printf("          cause:  %s\n", r.Cause.Text)
	}
	c.printf("          remedy: %s\n", c.paint.bold(r.Remedy()))
}

// flush prints the line for checks that were not tried.
func (c *checkLines) flush() {
	if c.untried > 0 {
		c.printf("  %s  %s not tried, since %s failed\n", c.paint.faint("-     "), count(c.untried, "check"), c.because)
	}
	c.untried, c.because = 0, ""
}

// end prints the summary.
func (c *checkLines) end(report *checkReport) error {
	c.flush()
	var counts []string
	for _, n := range []struct {
		n    int
		what string
	}{{report.Passed, "passed"}, {report.Warned, "warned"}, {report.Failed, "failed"}, {report.Untried, "not tried"}} {
		if n.n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n.n, n.what))
		}
	}
	verdict := c.paint.green("passed")
	if report.Warned > 0 {
		verdict = c.paint.yellow("passed with " + count(report.Warned, "warning"))
	}
	if report.Status == statusInterrupted {
		verdict = c.paint.yellow(statusInterrupted)
	}
	if failed := report.first(conformance.Failed); failed != nil {
		verdict = c.paint.red("failed") + " at " + failed.ID
		if failed.Cause != nil {
			verdict += ": " + failed.Cause.Text
		}
	}
	if len(counts) == 0 {
		counts = []string{"nothing checked"}
	}
	c.printf("\n%s (%s)\n", verdict, strings.Join(counts, ", "))
	return c.err
}

// count returns a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
