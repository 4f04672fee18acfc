// Package load sends many events at once and sums up the answers.
package load
