// Package odata evaluates the filters by which REST calls select connections:
// the small OData dialect of Azure Web PubSub.
//
//	f, err := odata.Parse("userId ne 'admin' and 'lobby' in groups")
//	…
//	ok := f.Match(odata.Subject{ConnectionID: "c1", UserID: &user, Groups: groups})
//
// Of a connection a filter sees connectionId, userId, groups and protocol, the
// subprotocol, which is not in the service's documentation.
//
// Operators bind, from the tightest: not; eq ne gt ge lt le in; and; or.
// Strings are compared with case, code unit by code unit, and counted in UTF-16
// code units, as the service does. Integers have 32 bits. Comparisons other than
// eq and ne want integers and are false if either side is null.
package odata
