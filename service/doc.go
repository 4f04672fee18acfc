// Package service calls the data plane of Azure Web PubSub: it sends messages to
// connected clients, manages groups, permissions and connections, and makes the
// tokens that clients connect with.
//
//	c, err := service.NewClientFromConnectionString(os.Getenv("WEBPUBSUB_CONNECTION_STRING"), "chat", nil)
//	…
//	err = c.Group("lobby").SendJSON(ctx, Notice{"doors open"}, nil)
//	access, err := c.ClientAccess(ctx, &service.ClientAccessOptions{UserID: "ann", Groups: []string{"lobby"}})
//
// A [Client] is bound to a hub. What can be addressed is a value: [Client.All],
// [Client.Group], [Client.User], [Client.Connection], each with the operations
// that it has. Package filter writes filters that quote what goes into them.
//
// Errors are an [*Error]. Names are checked before anything is sent. A message
// is accepted, not delivered, when a send returns nil.
//
// Keys and tokens appear in no error, log line or printed value. The URL of a
// [ClientAccess] contains a token: hand it to its client only.
package service
