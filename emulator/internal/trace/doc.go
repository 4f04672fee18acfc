// Package trace is the stream of records of everything that happens in an emulator:
// clients, frames, events, validations and REST calls. [Emit] passes a record to the sinks
// of a [Stream] that want its [Kind]. [Log] is the sink that writes log lines.
//
// A record that no sink wants costs no allocation and no formatting. Emit removes secrets
// before it calls a sink: no sink receives an access key, a token, a signature or a cookie.
package trace
