// Package conformance checks handlers of Azure Web PubSub's events against the
// rules of the protocol. Each [Check] has an id, a rule, the reason for the rule and
// a remedy. [Run] names the likely [Cause] of a failure, and does not try checks that
// would only fail because of it.
//
// The package sends no requests itself: the functions of a [Target] do.
package conformance
