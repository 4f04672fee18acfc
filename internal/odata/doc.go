// Package odata evaluates the filters with which REST calls select connections, in
// the OData dialect of Azure Web PubSub.
//
//	f, err := odata.Parse("userId ne 'admin' and 'lobby' in groups")
//	…
//	ok := f.Match(odata.Subject{ConnectionID: "c1", UserID: &user, Groups: groups})
//
// The properties of a connection are connectionId, userId, groups and protocol. The
// last is the subprotocol; the service's documentation does not mention it.
//
// Operators in order of precedence, highest first: not; eq ne gt ge lt le in; and;
// or. As in the service, strings are case-sensitive and are compared and counted in
// UTF-16 code units. Integers have 32 bits. Comparisons other than eq and ne
// accept integers and are false if either side is null.
package odata
