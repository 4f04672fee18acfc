// Package client is a realtime client of Azure Web PubSub. It keeps a WebSocket
// connection to the service, receives messages, and sends messages and events.
//
//	c, err := client.New(client.StaticURL(address), nil)
//	…
//	client.OnGroupJSON(c, "lobby", func(ctx context.Context, m *client.GroupMessage, n Notice) { … })
//	err = c.Start(ctx)
//	_, err = c.JoinGroup(ctx, "lobby", nil)
//	_, err = c.SendToGroup(ctx, "lobby", client.JSON(Notice{"doors open"}), nil)
//	…
//	err = c.Stop(ctx)
//
// A [Credential] returns the client URL, which contains the client's token. Package
// service makes such URLs. When the connection is lost, the client recovers it
// without losing messages. If that fails, it makes a new connection and rejoins its
// groups. See [Options].
//
// # Callbacks
//
// The client calls all callbacks one after the other, in the order
// of the events. Only those of [Client.OnNewConnection] and [Client.OnGroupStream] have
// goroutines of their own. While a callback runs, messages wait in a queue
// ([Options.QueueSize]). When the queue is full, the client stops reading until half
// of it is empty. The service then holds the client's messages back, and closes the
// connection if that takes too long. Other clients are not affected.
//
// A callback may use the client, wait for acks, and register or unregister
// callbacks. While an operation waits for its answer, the queue holds twice as many
// messages, so that the client can read the answer. If the queue is full again, and
// nothing is taken from it for 10 seconds, the operation fails with [ErrQueueFull].
//
// If a callback panics, the client reports a [PanicError] and calls the next one.
//
// # Security
//
// The client URL and the credential are secrets. No error, log line or printed value
// of this package contains them. The client bounds and checks the service's frames.
// The content of a message comes from another client: treat it as untrusted input.
// FromUserID is all that is known of the sender.
package client
