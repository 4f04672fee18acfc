// Package emulator is Azure Web PubSub on one machine: real WebSocket clients
// connect to it, its REST API takes the calls of service clients, and it raises
// the events of its clients at event handlers, as the service does. It runs in a
// test or as a server; it is made for development and tests, not to serve users.
//
//	func TestChat(t *testing.T) {
//		emu := emulator.Start(t, emulator.Config{
//			Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.InMemory(handler)}}},
//		})
//		conn, _, err := websocket.Dial(ctx, emu.ClientURL("chat", nil), nil)
//		…
//	}
//
// Where the service's documentation and Microsoft's emulator differ, or neither
// says anything, this emulator does the following:
//
//   - A user event that fails closes a client without Web PubSub subprotocol
//     (1011). Others get an ack with the error InternalServerError and stay.
//   - A client without Web PubSub subprotocol that sends to its group without the
//     permission is closed (1008). Others get an ack with the error Forbidden.
//   - The answer of a handler that refuses a client has its status passed on, not
//     its body.
//   - A client of a reliable subprotocol that closes with 1000, or without a
//     status as the official JavaScript client does when it is stopped, has gone
//     for good. After any other end it has 30 seconds to come back.
//   - A client that comes back is greeted again, and then gets what it missed.
//   - An invocation is a user event, and its answer the handler's. How the service
//     itself does this is not documented.
//   - A stream whose publisher is gone ends with the error Cancelled.
//   - The request of an event is cancelled when its client is gone without a close
//     frame, that of an invocation also when the client cancels it or says goodbye.
//   - The notifications of one connection reach the handler in their order. A
//     handler is told that a connection has left its groups when it ends.
//   - Of several values of one name of message metadata, in a handler's answer or
//     a REST call, on lines of their own or separated by commas, the last counts.
//   - The subprotocols of protobuf and MQTT are not served: a client that offers
//     nothing else is one without subprotocol.
//
// Its defaults are those of Microsoft's emulator, so that connection strings fit
// both. The access key that both have by default is known to everybody: listen
// on loopback only, or set another. While it is in use, requests of foreign web
// pages are refused; see [Config].TrustHosts.
package emulator
