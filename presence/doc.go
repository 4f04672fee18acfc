// Package presence tracks which users and connections are online and which groups they are
// in, across all replicas of an event handler.
//
//	store, err := presence.NewMemoryStore(nil) // or one that replicas share
//	tracker, err := presence.NewTracker(presence.Config{
//		Hub:    "chat",
//		Store:  store,
//		Lister: presence.FromService(client), // a *service.Client
//	})
//	h, err := webpubsub.NewHandler(webpubsub.Config{
//		Hub:          "chat",
//		Interceptors: []webpubsub.Interceptor{tracker.Intercept},
//		…
//	})
//	go tracker.Run(ctx)
//
//	members, err := tracker.Members(ctx, "lobby")
//
// A [Tracker] is for one hub. Several trackers, of one hub or several, can share a [Store]:
// connection ids count within their hub.
//
// # What the tracker knows
//
// The service reports what happens by the events connected, joined, left and disconnected.
// It may deliver them late, more than once, in any order, or not at all. The tracker
// records them by these rules:
//
//   - disconnected is final. The connection leaves all its groups, and no later event
//     brings it back, because the service does not use a connection id twice. This is
//     remembered for [Config.TTL], which is longer than the service can be late.
//   - Of the events joined and left of one connection and one group, the one with the
//     highest id counts, whatever arrives first. The service counts the events of a
//     connection (ce-id), so an event whose id is lower or equal was late or repeated, and
//     changes nothing. Microsoft documents no format of ids; its emulator counts.
//   - connected, joined and left all show that a connection exists, unless disconnected
//     came first.
//   - MQTT clients choose their connection id and use it again. So a connection is
//     identified by its connection id and its session (ce-sessionId), each with its own
//     groups and its own end. A session can have several network connections, and it is not
//     known whether they share one count. So the time (ce-time, in seconds) is compared
//     first, and the id if the times are equal. The same is done if an id is not a number.
//
// Hence the state after all events are delivered does not depend on their order.
//
// # What repairs the rest
//
// Events can be lost, if every replica or the store was down for the nine seconds in which
// the service repeats them, and the service may be configured not to send them. So
// [Tracker.Run] asks the service, once per [Config.Interval], on one replica at a time, which
// connections are in each group, and repairs the difference. It reads the store first and
// the service second. An event that arrives after it has read the store can be newer than the
// answer of the service, so what the event changed stays as it is until the next round. An
// event that arrived before is older than the answer.
//
// An event that is delivered after a round, but happened before it, is told from a new one
// only if the store had an event of that group with a higher id. Otherwise it counts until
// the next round. A listing does not name the sessions of MQTT clients: what it adds counts
// until an event of any session of the client changes the group, or a session ends.
//
// Every connection has a lease, which events and rounds renew. A round renews it if a group
// has the connection, or else if the service says that it exists. If nobody renews it,
// because the service cannot be reached for more than two rounds, the connection ends.
//
// What a tracker knows is a cache. Do not decide by it who may do what: the service decides
// who receives a message.
package presence
