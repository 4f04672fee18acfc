// Package hub is the core of the emulator: the connections, groups, users and
// permissions of hubs, and the requests of clients.
//
// It does not depend on HTTP, WebSocket or the format of a frame. A transport calls
// [Hub.Accept] for a client, connects it over a [Link], and passes its requests to
// [Connection.Do]. A [Codec] encodes messages, a [Delivery] keeps them until the client
// has acknowledged them, and an [EventHandler] receives events.
//
// A [Connection] can outlive its link: if its delivery is resumable, the client has
// [RecoveryWindow] to resume it over another link.
package hub
