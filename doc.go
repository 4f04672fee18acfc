// Package webpubsub receives the webhooks of Azure Web PubSub: it implements the
// event handler of a hub.
//
// Azure Web PubSub holds the WebSocket and MQTT connections of an application's
// clients and reports what happens on them in HTTP requests in the CloudEvents
// format. [NewHandler] returns an [http.Handler] that answers the service's
// validation requests, verifies the sender of each event, decodes the event and
// calls the functions of a [Config]:
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
// A [ConnectEvent] asks whether a client may connect; its answer is a
// [ConnectReply]. A [UserEvent] is a message of a client; its answer is a
// [Reply]. The service waits for both. A [ConnectedEvent], [DisconnectedEvent],
// [GroupJoinedEvent] and [GroupLeftEvent] report what has happened. All embed
// [Meta] and pass the [Interceptor] functions. [JSON] and [Text] wrap functions of
// typed payloads, [State] keeps typed data with a connection, and an [Error]
// chooses the answer to a refused event.
//
// Functions run in the request's goroutine, with its context, before the request
// is answered. A server's graceful shutdown therefore waits for them. Events can
// arrive more than once and out of order: see [Event] and [Error]. A [Deduplication]
// handles each event once.
//
// # Security
//
// NewHandler requires something to verify requests with. A signature is an HMAC of
// the connection id, made with an access key. It does not cover the body, the user,
// the state or the time: anyone who sees one request can send others in the name of
// the same connection. Serve over TLS only. For more protection, let the service send
// Entra tokens, too, add the [Verifier] of package
// [github.com/go-webpubsub/webpubsub/entra], and set [State.Seal]. Validation requests
// are not authenticated.
//
// The test kit is package [github.com/go-webpubsub/webpubsub/httptest].
package webpubsub
