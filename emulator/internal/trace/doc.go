// Package trace is the one stream of records of what happens in an emulator:
// clients, frames, events, validations and REST calls, each with its own type.
// [Emit] hands a record to the sinks of a [Stream] that want its [Kind]. [Log] is
// the sink that writes log lines.
//
// A record that no sink wants costs no allocation and no formatting. Secrets are
// removed in one place, before Emit calls a sink: no sink sees an access key, a
// token, a signature or a cookie.
package trace
