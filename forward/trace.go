package forward

import (
	"context"
	"regexp"
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/go-webpubsub/webpubsub"
)

// Names of the CloudEvents extension for distributed tracing, and of the headers.
const (
	traceParent = "traceparent"
	traceState  = "tracestate"
)

// maxTraceState is the length that W3C Trace Context asks everyone to propagate.
const maxTraceState = 512

var (
	traceParentPattern = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$`)
	traceStatePattern  = regexp.MustCompile(`^[[:print:]]+$`)
)

// received returns the trace context of the request.
func received(_ context.Context, ev webpubsub.Event) (traceparent, tracestate string) {
	header := ev.EventMeta().RequestHeader
	return header.Get(traceParent), strings.Join(header.Values(traceState), ",")
}

// addTraceContext sets the extensions of a valid trace context.
func addTraceContext(ev *cloudevents.Event, parent, state string) {
	if !isTraceParent(parent) {
		return
	}
	ev.SetExtension(traceParent, parent)
	if len(state) <= maxTraceState && traceStatePattern.MatchString(state) {
		ev.SetExtension(traceState, state)
	}
}

// isTraceParent reports whether a value has the form of version 00, with ids that are
// not zero.
func isTraceParent(v string) bool {
	if !traceParentPattern.MatchString(v) || strings.HasPrefix(v, "ff") {
		return false
	}
	trace, span := v[3:35], v[36:52]
	return strings.Trim(trace, "0") != "" && strings.Trim(span, "0") != ""
}
