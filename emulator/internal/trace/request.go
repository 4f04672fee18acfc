package trace

import "time"

// RESTCall is a call of the REST API.
type RESTCall struct {
	Method, Path string
	Status       int
	Took         time.Duration
	Refused      string // why the call has no valid token; empty if it has
}

// ForeignRefused is a request for a foreign host or of a foreign web page.
type ForeignRefused struct{ Reason string }

func (r RESTCall) kind() Kind {
	if r.Refused != "" {
		return KindRESTCallRefused
	}
	return KindRESTCall
}

func (ForeignRefused) kind() Kind { return KindForeignRefused }
