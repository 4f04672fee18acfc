package conformance

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// consentCause returns the cause of an answer to OPTIONS that is no consent; nil if it
// is not known.
func (p *probe) consentCause(req *http.Request, a *Answer) *Cause {
	if a.ok() {
		return p.emptyConsentCause(a)
	}
	if cause := p.answerCause(req, a); cause != nil {
		return cause
	}
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return loginCause(p.by(a))
	case http.StatusNotFound:
		return p.notFoundCause(a)
	case http.StatusMethodNotAllowed:
		return &Cause{
			ID:     "method",
			Text:   "the route of the handler excludes OPTIONS" + p.by(a),
			Remedy: "mount the handler for all methods, or for OPTIONS and POST",
		}
	case http.StatusBadRequest:
		return &Cause{
			ID:     "other-origin",
			Text:   fmt.Sprintf("the handler does not know %s; Microsoft's libraries answer 400 then", p.target.Origin),
			Remedy: "configure the handler with the connection string or the endpoint of this service",
		}
	}
	return nil
}

// emptyConsentCause returns the cause of a success that is no consent.
func (p *probe) emptyConsentCause(a *Answer) *Cause {
	lines := a.Header[wire.HeaderAllowedOrigin]
	text := strings.ToLower(upstream.Text(a.Body))
	switch {
	case listed(lines, p.target.Origin):
		return &Cause{
			ID:     "joined",
			Text:   fmt.Sprintf("the allowed origins are in one header line, which the service compares as a whole%s", p.by(a)),
			Remedy: "answer with one host, the one that was asked for; if the handler does so, a proxy joins the header lines: let it pass them on as they are",
		}
	case len(lines) > 0, strings.Contains(text, strings.ToLower(p.target.Origin)):
		return &Cause{
			ID:     "other-origin",
			Text:   fmt.Sprintf("the handler is configured for another service than %s", p.target.Origin),
			Remedy: "configure the handler with the connection string of this service, or check it with the connection string that it has",
		}
	}
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-Allow-") {
			return &Cause{
				ID:     "cors",
				Text:   "a CORS middleware answers OPTIONS itself, so that the handler does not get it",
				Remedy: "put the handler's route before the CORS middleware or exclude it: browsers do not call it",
			}
		}
	}
	if isPage(a) {
		return &Cause{
			ID:     "page",
			Text:   "a web page is answered, such as that of a single-page application for all unknown paths",
			Remedy: "compare the URL's path with the handler's route, and mount the handler before the page",
		}
	}
	if p.consentWasRemoved(a) {
		return &Cause{
			ID:     "header-stripped",
			Text:   fmt.Sprintf("the handler knows the origin, but its answer arrives without WebHook-Allowed-Origin: something in front of it removes the header%s", p.by(a)),
			Remedy: "configure the proxy to pass on the headers of answers that begin with WebHook-",
		}
	}
	return &Cause{
		ID:     "options-answered",
		Text:   "something in front of the handler answers OPTIONS itself, such as a CORS middleware or the framework" + p.by(a),
		Remedy: "route OPTIONS to the handler like POST, before any middleware",
	}
}

// listed reports whether a header line is a list that has the host.
func listed(lines []string, host string) bool {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if strings.Contains(line, ",") && strings.EqualFold(strings.TrimSpace(item), host) {
				return true
			}
		}
	}
	return false
}

// consentWasRemoved reports whether an answer without consent is from a handler that
// knows the origin: it answers another origin differently, or a request for a rate with
// a rate.
func (p *probe) consentWasRemoved(a *Answer) bool {
	other := p.ask(from(p.validation(), otherHost))
	if other != nil && !same(a, other) {
		return true
	}
	rate := p.ask(edit(p.validation(), func(h http.Header) { h.Set(wire.HeaderRequestRate, "120") }))
	return rate != nil && rate.Header.Get(wire.HeaderAllowedRate) != ""
}

func isPage(a *Answer) bool {
	media := strings.ToLower(a.Header.Get(wire.HeaderContentType))
	return strings.HasPrefix(media, "text/html") && len(a.Body) > 0
}

// notFoundCause returns the cause of a 404. It looks for the handler at similar URLs.
func (p *probe) notFoundCause(a *Answer) *Cause {
	if found := p.elsewhere(func(u *url.URL) bool {
		u.Path = toggleSlash(u.Path)
		return true
	}); found != nil {
		return &Cause{
			ID:     "slash",
			Text:   "nothing is served at this URL, but the handler is at " + p.quotable(upstream.WithoutSecrets(found.String())),
			Remedy: "add or remove the slash at the end of the URL in the hub's settings",
		}
	}
	if found := p.elsewhere(p.literal); found != nil {
		return &Cause{
			ID:     "literal-brace",
			Text:   "the route of the handler has a literal {event}, which the service replaces by the name of the event",
			Remedy: "write the parameter as the router does, such as :event or <event>, or mount the handler at all paths below",
		}
	}
	if found := p.elsewhere(p.above); found != nil {
		return &Cause{
			ID:     "subpath",
			Text:   fmt.Sprintf("the handler is at %s, and not below it", p.quotable(upstream.WithoutSecrets(found.String()))),
			Remedy: "remove {event} from the URL in the hub's settings, as the name of the event is in a header; or mount the handler at all paths below",
		}
	}
	return &Cause{
		ID:     "not-found",
		Text:   "nothing is served at this URL" + framework(a),
		Remedy: "compare the URL's path with the handler's route, and whether the route is for all methods",
	}
}

// elsewhere asks for consent at a URL that f changes, and returns that URL if a handler
// answers there. f reports whether the change makes sense.
func (p *probe) elsewhere(f func(*url.URL) bool) *url.URL {
	req := p.validation()
	if req == nil {
		return nil
	}
	u := *req.URL
	if !f(&u) {
		return nil
	}
	u.RawPath = ""
	req.URL = &u
	if answer := p.ask(req); answer != nil && len(answer.Header[wire.HeaderAllowedOrigin]) > 0 {
		return &u
	}
	return nil
}

func toggleSlash(path string) string {
	if trimmed, ok := strings.CutSuffix(path, "/"); ok {
		return trimmed
	}
	return path + "/"
}

var parameter = regexp.MustCompile(`(?i)\{(hub|event)\}`)

// literal changes u to the path of the template, with braces.
func (p *probe) literal(u *url.URL) bool {
	path := p.path()
	if !parameter.MatchString(path) {
		return false
	}
	u.Path = path
	return true
}

// above changes u to the part of the template's path before the first parameter.
func (p *probe) above(u *url.URL) bool {
	path := p.path()
	at := parameter.FindStringIndex(path)
	if at == nil {
		return false
	}
	u.Path = strings.TrimSuffix(path[:at[0]], "/")
	return true
}

// path returns the path of the target's URL, with its parameters.
func (p *probe) path() string {
	_, rest, _ := strings.Cut(p.target.URL, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest, "/")
	if unescaped, err := url.PathUnescape(path); err == nil {
		path = unescaped
	}
	return "/" + path
}

// framework names the framework whose page for unknown URLs an answer has.
func framework(a *Answer) string {
	text := string(a.Body[:min(len(a.Body), 4096)])
	for _, known := range []struct{ words, name string }{
		{"404 page not found", "net/http of Go"},
		{"<pre>Cannot ", "Express"},
		{`"message":"Route `, "Fastify"},
		{"The requested URL was not found on the server", "Flask or Apache httpd"},
		{`{"detail":"Not Found"}`, "FastAPI"},
		{"Whitelabel Error Page", "Spring Boot"},
		{`"error":"Not Found","path":`, "Spring Boot"},
		{"Page not found at", "Django"},
		{"<center>nginx", "nginx"},
		{"404 - File or directory not found.", "IIS"},
		{"Azure Web App", "Azure App Service"},
	} {
		if strings.Contains(text, known.words) {
			return fmt.Sprintf(": the answer is the page for unknown URLs of %s", known.name)
		}
	}
	if isPage(a) {
		return ": the answer is an HTML page, which no event handler sends"
	}
	return ""
}
