// Package upstream is the service's side of a webhook: how Azure Web PubSub
// delivers events to a handler and what it makes of the answers. It knows how
// often and when a delivery is repeated, when an answer counts as consent, how
// long an answer may be, and how the answers to connect and user events are
// read. It does not know who raises the events: the test kit and the emulator
// share it.
package upstream
