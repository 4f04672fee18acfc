// Package process runs a part of a benchmark in a process of its own, so that it can be
// measured alone. The process runs the same test binary.
package process
