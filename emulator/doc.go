// Package emulator is Azure Web PubSub on one machine: real WebSocket clients
// connect to it, its REST API takes the calls of service clients, and it raises
// the events of its clients at event handlers, as the service does. It runs in a
// test or as a server; it is made for development and tests, not to serve users.
//
//	func TestChat(t *testing.T) {
//		emu := emulator.Start(t, emulator.Config{
//			Hubs: map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.Local(handler)}}},
//		})
//		conn, _, err := websocket.Dial(ctx, emu.ClientURL("chat", nil), nil)
//		…
//	}
//
// Its defaults are those of Microsoft's emulator, so that connection strings fit
// both. The access key that both have by default is known to everybody: listen
// on loopback only, or set another.
package emulator
