// Package dispatch raises the emulator's events at event handlers: it finds the
// handler that a hub's settings name, asks for its consent, and delivers, with
// the ids, state and cookies of each connection.
package dispatch
