// Package httptest is a fake of Azure Web PubSub for tests of event handlers. It
// sends the service's events to an [http.Handler], in memory, and keeps the state
// and cookies of each connection as the service does.
//
//	h, err := webpubsub.NewHandler(webpubsub.Config{
//		ConnectionStrings: []string{httptest.ConnectionString},
//		OnConnect:         …,
//	})
//	svc := httptest.New(h, nil)
//	conn, err := svc.Connect(ctx, &httptest.Client{UserID: "ann"})
//	answer, err := conn.SendText(ctx, "message", "hello")
//
// [New] returns a [Service]. [Service.Connect] and [Service.ConnectMQTT] raise the
// connect event and return a [Conn] or [MQTTConn], whose methods raise all other
// events. [Service.Validate] asks for consent. An event that the handler rejects
// returns a [*RejectedError]. [Service.NewRequest] and [Service.Do] send requests
// that are broken on purpose, and [CheckHandler] checks any handler against the
// rules of the protocol.
//
// An [Identity] adds the Entra tokens that the service sends if an event handler uses
// its managed identity, and plays Entra for the handler's verifier.
//
// An event is delivered once, so that a test sees the handler's first answer.
// [Options.Retry] turns on the service's retries, which wait for up to nine
// seconds. In a bubble of testing/synctest these do not take real time.
//
// The CloudEvents SDK's HTTP binding writes the requests. A handler built on this
// module is thus tested with an encoder that is not this module's own.
//
// A test that also needs net/http/httptest imports one of the two under another
// name.
//
// Security: the key of [ConnectionString] is public. A handler that accepts it
// outside of a test accepts requests from anybody, so [webpubsub.NewHandler] logs
// a warning, also in tests.
package httptest
