// Package otelwebpubsub makes OpenTelemetry spans and metrics of event handlers, clients,
// service clients and emulators of module webpubsub.
//
//	telemetry, err := otelwebpubsub.New(nil) // the global providers
//	…
//	h, err := webpubsub.NewHandler(telemetry.Handler(cfg))
//	c, err := client.New(credential, &client.Options{Trace: telemetry.Client()})
//	s, err := service.NewClientFromConnectionString(connectionString, "chat", telemetry.Service(nil))
//
// A trace goes from a call of the service client to the events that it causes, if the
// service passes its trace context on, and from an event to the CloudEvents that
// [Telemetry.Sender] sends. [WithTraceContext] passes it on with a message.
// Names are those of the semantic conventions for messaging and HTTP; docs/observability.md
// lists them, with a dashboard and alerts.
//
// # Security
//
// The number of attribute sets of a metric is limited whatever strangers send. A request
// that is not verified is counted and makes no span, and the trace context that a
// client has chosen is linked to and never continued, unless
// [Options.InsecureTrustClients] is set. Spans and metrics have no error texts, payloads,
// claims, tokens, states or users. Spans have the ids of connections and events.
package otelwebpubsub
