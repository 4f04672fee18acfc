package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/go-webpubsub/webpubsub/internal/cli/load"
	"github.com/go-webpubsub/webpubsub/internal/cli/trigger"
)

// runLoad sends an event many times and prints a sum of the answers.
func (in *triggerFlags) runLoad(cmd *cobra.Command, s *shot) error {
	ctx := cmd.Context()
	// An event that cannot be written is found before the first one is sent.
	if _, _, err := s.target.Request(ctx, trigger.NewConnection(s.connection.ID, s.connection.UserID), s.event); err != nil {
		return usage("%w", err)
	}
	repetition := trigger.Repetition{Connection: s.connection, Event: s.event, NewConnections: s.event.Kind.Once() && in.connection == ""}
	bar := newBar(cmd.ErrOrStderr(), in.repeat)
	report := load.Run(ctx, in.repeat, in.concurrency, func(ctx context.Context, i int) load.Shot {
		c, ev := repetition.At(i)
		result, err := s.target.Send(ctx, c, ev)
		if err != nil {
			return load.Shot{Failure: err.Error()}
		}
		return load.Shot{Failure: result.Failure, Status: result.Status, Took: result.Took}
	}, func() { _ = bar.Add(1) })
	_ = bar.Finish()
	if err := in.print(cmd.OutOrStdout(), loadResultOf(report), func(w io.Writer) error { return writeLoad(w, report, in.concurrency) }); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case report.OK < report.Planned:
		return ErrNo
	}
	return nil
}

// newBar returns a progress bar, which is visible on a terminal only.
func newBar(w io.Writer, most int) *progressbar.ProgressBar {
	_, visible := terminal(w)
	return progressbar.NewOptions(most,
		progressbar.OptionSetWriter(w), progressbar.OptionSetVisibility(visible), progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetItsString("events"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetRenderBlankState(true), progressbar.OptionClearOnFinish(),
	)
}

// percentiles that are printed.
func percentiles() map[string]int { return map[string]int{"p50": 50, "p90": 90, "p95": 95, "p99": 99} }

// loadResult is a report for scripts.
type loadResult struct {
	Planned      int                `json:"planned"`
	Sent         int                `json:"sent"`
	OK           int                `json:"ok"`
	Failed       int                `json:"failed"`
	Seconds      float64            `json:"seconds"`
	PerSecond    float64            `json:"perSecond"`
	Statuses     []loadStatus       `json:"statuses"`
	Failures     []loadFailure      `json:"failures"`
	Milliseconds map[string]float64 `json:"milliseconds"`
}

type loadStatus struct {
	Status int `json:"status"`
	Times  int `json:"times"`
}

type loadFailure struct {
	Failure string `json:"failure"`
	Times   int    `json:"times"`
}

func loadResultOf(r *load.Report) loadResult {
	out := loadResult{
		Planned: r.Planned, Sent: r.Sent, OK: r.OK, Failed: r.Sent - r.OK, Seconds: r.Took.Seconds(), PerSecond: r.Rate(),
		Statuses: []loadStatus{}, Failures: []loadFailure{}, Milliseconds: map[string]float64{},
	}
	for _, c := range r.Statuses() {
		out.Statuses = append(out.Statuses, loadStatus{c.What, c.Times})
	}
	for _, c := range r.Failures() {
		out.Failures = append(out.Failures, loadFailure{c.What, c.Times})
	}
	if r.Answered() > 0 {
		out.Milliseconds["min"], out.Milliseconds["max"] = milliseconds(r.Percentile(0)), milliseconds(r.Percentile(100))
		for name, percent := range percentiles() {
			out.Milliseconds[name] = milliseconds(r.Percentile(percent))
		}
	}
	return out
}

// writeLoad writes a report for people.
func writeLoad(w io.Writer, r *load.Report, concurrency int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "sent     %d of %d in %v, %.0f per second, up to %d at a time\n", r.Sent, r.Planned, rounded(r.Took), r.Rate(), min(concurrency, r.Planned))
	fmt.Fprintf(&b, "ok       %d\nfailed   %d\n", r.OK, r.Sent-r.OK)
	for _, c := range r.Failures() {
		fmt.Fprintf(&b, "         %d  %s\n", c.Times, printable(c.What))
	}
	if r.Answered() > 0 {
		fmt.Fprintf(&b, "answers  min %v", rounded(r.Percentile(0)))
		for _, name := range []string{"p50", "p90", "p95", "p99"} {
			fmt.Fprintf(&b, "  %s %v", name, rounded(r.Percentile(percentiles()[name])))
		}
		fmt.Fprintf(&b, "  max %v\n", rounded(r.Percentile(100)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
