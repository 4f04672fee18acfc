// Package conformance checks handlers of Azure Web PubSub's events against the
// rules of the protocol. Each [Check] has an id, a rule and the reason for the
// rule. The package sends no requests itself: the functions of a [Target] do.
package conformance
