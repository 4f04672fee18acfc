// Package hub is the core of the emulator: connections, groups, users,
// permissions, acknowledgements and reliable delivery of one hub. It knows
// neither HTTP nor WebSockets nor the format of a frame: a [Codec] writes frames,
// a [Link] takes them to the client, and an [Observer] learns what the event
// handler must be told.
//
// A [Connection] outlives its link: one of a reliable subprotocol can be taken
// up again by another link for [RecoveryWindow] after its link was lost.
package hub
