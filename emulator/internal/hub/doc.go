// Package hub is the core of the emulator: the connections, groups, users and
// permissions of hubs, and what clients' requests mean.
//
// It knows neither HTTP nor WebSocket nor the format of a frame. A transport asks
// [Hub.Accept] about a client, connects it over a [Link], and passes its requests to
// [Connection.Do]. A [Codec] encodes messages, a [Delivery] decides what is kept until
// the client has acknowledged it, and an [EventHandler] is asked and notified.
//
// A [Connection] can outlive its link: if its delivery is resumable, the client has
// [RecoveryWindow] to resume it over another link.
package hub
