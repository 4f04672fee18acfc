// Package emulator implements Azure Web PubSub on one machine. WebSocket clients
// connect to it, service clients call its REST API, and it sends events to event
// handlers as the service does. It runs in a test or as a server. It is made for
// development and tests, not for production.
//
//	func TestChat(t *testing.T) {
//		emu := emulator.Start(t, emulator.Config{
//			Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(handler)}}},
//		})
//		conn, _, err := websocket.Dial(ctx, emu.ClientURL("chat", nil), nil)
//		…
//	}
//
// Where the service's documentation and Microsoft's emulator differ, or say nothing,
// this emulator does the following:
//
//   - A user event that fails closes a client without a Web PubSub subprotocol (1011).
//     Other clients get an ack with the error InternalServerError.
//   - A client without a Web PubSub subprotocol that sends to its group without the
//     permission is closed (1008). Other clients get an ack with the error Forbidden.
//   - If an event handler refuses a client, the client gets the status, not the body.
//   - A reliable client that closes with 1000, or without a status as the official
//     JavaScript client does, ends its connection. After any other end it can recover
//     the connection for 30 seconds.
//   - A recovered client gets a connected frame, then the messages it missed. A client
//     of a protobuf subprotocol gets no connected frame.
//   - An invocation is a user event; the handler's answer is its result. The service
//     does not document how it handles invocations.
//   - A stream whose publisher disconnects ends with the error Cancelled.
//   - The request of an event is cancelled when its client disconnects without a close
//     frame. That of an invocation is also cancelled after a close frame, or if the
//     client cancels the invocation.
//   - The notifications of one connection are delivered in order. When a connection
//     ends, the handler receives left for each of its groups.
//   - If an answer or a REST call has several values for one name of metadata, in
//     several headers or separated by commas, the last one is used.
//   - Events for a handler with a [ManagedIdentity] have a token. Validation requests
//     have none.
//   - A client needs the roles webpubsub.setGroupState and webpubsub.getGroupState for
//     group state, and must be a member of the group. Its state ends with the
//     membership. Updates have sequence ids for reliable clients, in JSON too.
//   - Clients of the protobuf subprotocols have all operations of JSON clients.
//   - The subprotocol of MQTT is not supported. A client that offers no other is treated
//     as a client without a subprotocol.
//
// The defaults are those of Microsoft's emulator, so that connection strings fit both.
// The default access key of both is public: listen on loopback only, or set another.
// While it is in use, requests of foreign web pages are rejected; see
// [Config].TrustHosts.
package emulator
