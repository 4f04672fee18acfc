// Package scenario reads and plays scenarios: lists of events for an event handler, with
// expectations on the answers.
package scenario
