// Package webpubsub receives the webhooks of Azure Web PubSub: it is the Go
// side of a hub's event handler.
//
// Azure Web PubSub holds the WebSocket and MQTT connections of an application's
// clients and turns what happens on them into HTTP requests in the CloudEvents
// format. [NewHandler] makes an [http.Handler] that answers the service's
// validation requests, verifies who sent each event, decodes it, and calls the
// functions of a [Config]:
//
//	h, err := webpubsub.NewHandler(webpubsub.Config{
//		Hub:               "chat",
//		ConnectionStrings: []string{os.Getenv("WEBPUBSUB_CONNECTION_STRING")},
//		OnConnect: func(ctx context.Context, ev *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) {
//			user, ok := users.ByTicket(ev.Query.Get("ticket"))
//			if !ok {
//				return nil, webpubsub.Unauthorized("unknown ticket")
//			}
//			return &webpubsub.ConnectReply{UserID: user.ID, Groups: []string{"lobby"}}, nil
//		},
//		UserEvents: map[string]webpubsub.UserEventFunc{
//			"say": webpubsub.JSON(func(ctx context.Context, ev *webpubsub.UserEvent, in Said) (Receipt, error) {
//				return rooms.Say(ctx, ev.UserID, in)
//			}),
//		},
//	})
//	mux.Handle("/eventhandler", h) // any router; no method in the pattern, OPTIONS must get through
//
// # Events
//
// A [ConnectEvent] asks whether a client may connect and is answered by a
// [ConnectReply]; a [UserEvent] is a client's message and is answered by a
// [Reply]. The service waits for both. A [ConnectedEvent], [DisconnectedEvent],
// [GroupJoinedEvent] and [GroupLeftEvent] tell what has happened. All embed
// [Meta]; [Interceptor] functions see them all. [JSON] and [Text] make functions
// of typed payloads, [State] keeps typed data with a connection, and an error
// says by [Error] how the event is answered.
//
// Functions run before the request is answered, in the request's goroutine and
// with its context, so a server's graceful shutdown waits for them. Events can
// arrive more than once and out of order: see [Event] and [Error].
//
// # Security
//
// A handler cannot be made without something to verify requests with. What a
// signature proves is little: it is an HMAC of the connection id alone, made
// with an access key. It says nothing of the body, the user, the state or the
// time, and whoever sees one request can send others in the name of the same
// connection. Serve over TLS only, and where more is at stake add a [Verifier] for
// the Entra tokens that the service can send. Validation requests authenticate nobody.
//
// The test kit is package [github.com/go-webpubsub/webpubsub/httptest].
package webpubsub
