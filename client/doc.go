// Package client is a realtime client of Azure Web PubSub: it keeps a WebSocket
// connection to the service, gets messages over it, and sends messages and events.
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
// A [Credential] gives the address, which has the client's token in it; the
// package service makes such addresses. A connection that is lost is recovered,
// without losing messages, or else made anew, and the groups that the client had
// joined are joined again ([Options]).
//
// # Callbacks
//
// Callbacks are called one after the other, by one goroutine of the client, in the
// order in which things happened. One that takes its time holds back the client:
// messages wait for it ([Options.QueueSize]), and when the queue is full the client
// stops reading, until half of it is empty. Others are not held back by that, but a
// service that waits for too long closes the connection.
//
// A callback may use the client, wait for acks, and register or unregister
// callbacks. While any operation waits for its answer, the queue takes as many
// messages again, so that the answer is read; if it is not among them, and nothing
// is taken from the queue for 10 seconds, the operation fails with [ErrQueueFull].
//
// A callback that panics is reported ([PanicError]), and the next one is called.
//
// # Security
//
// The address is a secret, and so is the credential that gives it: no error, log
// line or printed value of this package shows it. What comes from the service is
// bounded and checked, but what other clients send is what they like: treat a
// message as input from a stranger, and its FromUserID as all that is known of him.
package client
