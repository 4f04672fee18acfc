// Package httptest plays Azure Web PubSub for tests of event handlers: it
// raises the service's events on an [http.Handler], in memory, and keeps for
// each connection what the service keeps.
//
//	h, err := webpubsub.NewHandler(webpubsub.Config{
//		ConnectionStrings: []string{httptest.ConnectionString},
//		OnConnect:         …,
//	})
//	svc := httptest.New(h, nil)
//	conn, err := svc.Connect(ctx, &httptest.Client{UserID: "ann"})
//	answer, err := conn.SendText(ctx, "message", "hello")
//
// A [Service] is made by [New]; [Service.Connect] and [Service.ConnectMQTT]
// raise the connect event and return a [Conn] or [MQTTConn], whose methods raise
// all others. [Service.Validate] asks for consent. What a handler turns down is
// a [*RejectedError]. [Service.NewRequest] and [Service.Do] are for requests
// that are broken on purpose, and [CheckHandler] holds any handler to the rules
// of the protocol.
//
// An event is delivered once, so that a test sees the handler's first answer.
// [Options.Retry] turns on the service's repetitions, which wait for up to nine
// seconds: of testing/synctest's clock, if the test runs in its bubble.
//
// The requests are written by the CloudEvents SDK's HTTP binding and not by this
// module's own code, so that a handler built on this module is fed by an encoder
// that is not its own.
//
// A test that needs net/http/httptest too imports one of the two under another
// name.
//
// Security: [ConnectionString] holds a key that everybody knows. A handler that
// accepts it outside of a test accepts everybody, so [webpubsub.NewHandler] logs a
// warning, also in a test.
package httptest
