// Package deploytest compares the files in deploy with the programs that they run. It
// has tests only.
package deploytest
