package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Cause is the likely cause of a failure.
type Cause struct {
	// ID names the cause in tests and in output for programs.
	ID string
	// Text says what is wrong.
	Text string
	// Remedy says what to do.
	Remedy string
}

var rateLimit = Cause{
	ID:     "rate-limit",
	Text:   "something limits the number of requests",
	Remedy: "let the service's requests pass without a limit: it sends an event for each message of each client",
}

// errorCause returns the cause of an error of [Target.Do]; nil if it is not known.
func errorCause(err error, validation bool) *Cause {
	var known *UnreachableError
	var panicked *webpubsub.PanicError
	switch {
	case errors.As(err, &known):
		return &known.Cause
	case errors.Is(err, upstream.ErrTimeout):
		limit := upstream.EventTimeout
		if validation {
			limit = upstream.ValidationTimeout
		}
		return &Cause{
			ID:     "slow",
			Text:   fmt.Sprintf("the answer takes too long: the service waits for %v, and does not ask again", limit),
			Remedy: "answer first and work afterwards; set a deadline for everything that the handler waits for",
		}
	case errors.Is(err, upstream.ErrAnswerTooLarge):
		return &Cause{
			ID:     "answer-too-large",
			Text:   fmt.Sprintf("the service reads %d bytes of an answer, and takes a longer one as a failure", wire.MaxUpstreamAnswer),
			Remedy: "answer with less; large contents belong in a storage, from which clients can fetch them",
		}
	case errors.As(err, &panicked), errors.Is(err, http.ErrAbortHandler):
		return &Cause{
			ID:     "panic",
			Text:   "the handler panics",
			Remedy: "recover panics in a middleware, and answer 500; the panic's stack is in the handler's log",
		}
	}
	return nil
}

// answerCause returns the cause of an answer that refuses a valid request, as far as
// the answer itself shows it; nil otherwise.
func (p *probe) answerCause(req *http.Request, a *Answer) *Cause {
	challenge := a.Header.Get("Www-Authenticate")
	switch {
	case a.Status == http.StatusTooManyRequests:
		return &rateLimit
	case a.redirects():
		return p.redirectCause(req.URL, a)
	case challenge != "" && req.Header.Get(wire.HeaderEventName) != "" && strings.HasPrefix(strings.ToLower(challenge), "bearer"):
		return &Cause{
			ID:     "bearer",
			Text:   "the handler requires a token of Entra ID",
			Remedy: "the service sends one if the event handler of the hub has the authentication ManagedIdentity; the checks have none to send, so check such a handler with signatures only",
		}
	case challenge != "":
		return loginCause(p.by(a))
	}
	if name := missingHeader(req.Header, a); name != "" {
		return &Cause{
			ID:     "header-stripped",
			Text:   fmt.Sprintf("the handler did not receive the header %s, which was sent: something in front of it removes the header%s", name, p.by(a)),
			Remedy: "configure the proxy to pass on WebHook-Request-Origin and all headers that begin with ce-",
		}
	}
	if text := upstream.Text(a.Body); a.Status == http.StatusBadRequest && strings.Contains(text, "HTTP request") && strings.Contains(text, "HTTPS") {
		return &Cause{ID: "https-port", Text: "the port is for https, and the URL is http", Remedy: "use the https URL"}
	}
	switch a.Status {
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return &Cause{
			ID:     "gateway",
			Text:   fmt.Sprintf("a proxy answers, and cannot reach the handler behind it%s", p.by(a)),
			Remedy: "start the handler, and compare its address with the one in the proxy's configuration; if only large answers fail, raise the proxy's limit for headers",
		}
	case http.StatusRequestHeaderFieldsTooLarge:
		return &Cause{
			ID:     "header-limit",
			Text:   fmt.Sprintf("the request's header is too long for the handler, or for something in front of it%s", p.by(a)),
			Remedy: "raise the limit: connection state is sent in a header, with every event",
		}
	}
	if upstream.Retried(a.Status) {
		return &Cause{
			ID:     "retry",
			Text:   fmt.Sprintf("after %d the service sends the request up to three times more, 1, 3 and 5 seconds apart", a.Status),
			Remedy: "look into the handler's log for the error; answer with 4xx what cannot succeed later",
		}
	}
	return nil
}

func loginCause(by string) *Cause {
	return &Cause{
		ID:     "login",
		Text:   "something in front of the handler asks for a login" + by,
		Remedy: "let the handler's URL pass without a login, OPTIONS and POST: the service has no account there; the handler verifies signatures itself",
	}
}

// by names the server that an answer is from, if its header does.
func (p *probe) by(a *Answer) string {
	if server := p.quotable(a.Header.Get("Server")); server != "" {
		return fmt.Sprintf(" (the answer is from the server %q)", server)
	}
	return ""
}

// missingHeader returns the name of a header of the request that, according to the
// answer's text, is missing.
func missingHeader(sent http.Header, a *Answer) string {
	text := strings.ToLower(upstream.Text(a.Body))
	if !slices.ContainsFunc([]string{"missing", "required", "no header", "not found"}, func(word string) bool { return strings.Contains(text, word) }) {
		return ""
	}
	for _, name := range []string{
		wire.HeaderRequestOrigin, wire.HeaderVersion, wire.HeaderSignature, wire.HeaderConnectionID,
		wire.HeaderEventName, wire.HeaderHub, wire.HeaderType, wire.HeaderSpecVersion, wire.HeaderSource, wire.HeaderID, wire.HeaderTime,
	} {
		if len(sent[name]) > 0 && strings.Contains(text, strings.ToLower(name)) {
			return name
		}
	}
	return ""
}
