// Package inbox is an event handler for people who have none yet: it answers every event
// with the same reply, or passes events on to another handler, and reports all of them.
package inbox
