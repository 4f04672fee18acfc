// Package conformance holds handlers of Azure Web PubSub's events to the rules
// of the protocol. Each [Check] has an id, the rule it checks and the reason for
// the rule. It makes no requests itself: a [Target] is given functions that do.
package conformance
