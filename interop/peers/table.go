//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// heading returns the first row of a table.
func heading(title string, peers []*peer) []string {
	row := []string{title}
	for _, p := range peers {
		row = append(row, p.name)
	}
	return row
}

// write writes a table in Markdown.
func write(w io.Writer, rows [][]string) error {
	rows = slices.Insert(rows, 1, slices.Repeat([]string{"---"}, len(rows[0])))
	var b strings.Builder
	for _, row := range rows {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
	_, err := fmt.Fprintln(w, b.String())
	return err
}

func median[T cmp.Ordered](values []T) T {
	values = slices.Sorted(slices.Values(values))
	return values[len(values)/2]
}

// quartiles returns the median, and the range of the middle half.
func quartiles(values []float64) string {
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return fmt.Sprintf("%.2f (%.2f to %.2f)", values[n/2], values[n/4], values[n-1-n/4])
}
