// Package forward sends the events of a webpubsub.Handler to a queue, a broker or any
// other receiver of CloudEvents before it answers them.
//
// [To] returns an interceptor:
//
//	toQueue, err := forward.To(client.Send, nil) // a client of the CloudEvents SDK
//	if err != nil {
//		return err
//	}
//	h, err := webpubsub.NewHandler(webpubsub.Config{
//		Hub:               "chat",
//		ConnectionStrings: []string{connectionString},
//		Interceptors:      []webpubsub.Interceptor{toQueue},
//	})
//
// An event succeeds only after the receiver has acknowledged it. Otherwise it gets 503,
// and the service delivers it again: up to four times in all, 1, 3 and 5 seconds apart.
// The receiver can therefore get an event more than once, always with the same
// [MessageID], by which a queue can drop the repeats.
//
// # Security
//
// The connection state, and the claims, query, headers and certificates of connect
// events are not sent unless [Options] asks for them. The signature is never sent. What
// clients send is: the payloads of user events, and user ids.
package forward
