// Package dispatch sends the events of clients to event handlers. It selects the handler
// by the hub's settings, validates its URL (abuse protection), and delivers the event
// with the ids, state and cookies of the connection.
package dispatch
