// Package service is a client of the REST API of Azure Web PubSub: it sends messages
// to connected clients, manages groups, permissions and connections, and makes the
// tokens that clients connect with.
//
//	c, err := service.NewClientFromConnectionString(os.Getenv("WEBPUBSUB_CONNECTION_STRING"), "chat", nil)
//	…
//	err = c.Group("lobby").SendJSON(ctx, Notice{"doors open"}, nil)
//	access, err := c.ClientAccess(ctx, &service.ClientAccessOptions{UserID: "ann", Groups: []string{"lobby"}})
//
// A [Client] is for one hub. Its targets are values with methods: [Client.All],
// [Client.Group], [Client.User] and [Client.Connection]. Package filter builds
// filters and quotes their strings.
//
// All errors of calls are an [*Error]. Names are checked before a request is sent.
// If a send returns nil, the service has accepted the message; it does not report
// whether anybody received it.
//
// No error, log record or printed value contains a key or a token. The URL of a
// [ClientAccess] contains a token: pass it to its client only.
package service
