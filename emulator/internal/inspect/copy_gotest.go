package inspect

import (
	"cmp"
	"go/format"
	"go/parser"
	"go/token"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxExpression is how many bytes the expression of a handler can have.
const maxExpression = 256

// goTest serves a Go test that sends the event of a record to a handler, and compares the
// answer with that of the record.
func (h *Handler) goTest(w http.ResponseWriter, r *http.Request) error {
	rec, err := h.copied(r)
	if err != nil {
		return err
	}
	in := testOf(rec)
	in.Package = cmp.Or(r.URL.Query().Get("package"), "main_test")
	if !token.IsIdentifier(in.Package) {
		return fail(http.StatusBadRequest, "package: want the name of a package")
	}
	if in.Handler = r.URL.Query().Get("handler"); in.Handler == "" && rec.Event.InMemory {
		in.Handler = "newHandler(t)"
	}
	if in.Handler != "" {
		if _, err := parser.ParseExpr(in.Handler); err != nil || len(in.Handler) > maxExpression {
			return fail(http.StatusBadRequest, "handler: want a Go expression of at most %d bytes, such as newHandler(t)", maxExpression)
		}
	}
	in.PublicKey = h.publicKey()
	if !slices.Equal(h.cfg.Origins, []string{"localhost"}) {
		in.Origins = h.cfg.Origins
	}
	var b strings.Builder
	if err := goTestSource.Execute(&b, in); err != nil {
		return err
	}
	source, err := format.Source([]byte(b.String()))
	if err != nil {
		return fail(http.StatusInternalServerError, "the test is not valid Go: %v", err)
	}
	return writeText(w, string(source))
}

// goTestInput describes a test.
type goTestInput struct {
	Package, Test, Handler, URL, Hub string
	PublicKey                        bool
	Origins                          []string
	Event                            *Event
	Connection, User                 string
	ContentType, Data                string
	Metadata                         map[string]string
	State                            *string // header; nil: none
	Redacted                         bool

	// Of the answer.
	Status         int     // zero if there was none
	AnswerState    *string // header; nil: not compared
	AnswerType     string  // empty: not compared
	Body           string
	BodyIncomplete bool
}

func testOf(rec *Record) *goTestInput {
	ev := rec.Event
	out := &goTestInput{
		Test: "Test" + exported(ev.Name), URL: ev.Handler, Hub: rec.Hub, Event: ev, Connection: rec.Connection, User: rec.User,
		ContentType: contentType(ev), Data: string(ev.Request.Data.raw()), Metadata: metadata(ev.Request.Headers),
		Redacted: ev.Request.Data.Redacted, Status: ev.Status,
	}
	if ev.Type == wire.TypeConnect {
		out.User = "" // an event of connect has none
	}
	if ev.StateBefore != nil {
		state := headerState(*ev.StateBefore)
		out.State = &state
		out.Redacted = out.Redacted || ev.StateBefore.Redacted
	}
	if ev.Answer == nil {
		return out
	}
	if _, set := ev.Answer.Headers[wire.HeaderConnectionState]; set && ev.StateAfter != nil && ev.StateAfter.JSON && !ev.StateAfter.Redacted {
		state := headerState(*ev.StateAfter)
		out.AnswerState = &state
	}
	if values := ev.Answer.Headers[wire.HeaderContentType]; len(values) > 0 {
		out.AnswerType = values[0]
	}
	out.Body = string(ev.Answer.Data.raw())
	out.BodyIncomplete = ev.Answer.Data.Truncated || ev.Answer.Data.Redacted
	return out
}

// exported returns an event's name as a part of the name of a function.
func exported(name string) string {
	var b strings.Builder
	upper := true
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			upper = true
			continue
		}
		if upper {
			r = unicode.ToUpper(r)
		}
		upper = false
		b.WriteRune(r)
	}
	return b.String()
}

// literal returns a Go literal of a text.
func literal(s string) string {
	if strconv.CanBackquote(s) && strings.ContainsAny(s, `"\`) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

var goTestSource = template.Must(template.New("test").Funcs(template.FuncMap{"go": literal}).Parse(`package {{.Package}}

import (
	{{- if not .PublicKey}}
	"os"
	{{- end}}
	"testing"

	"github.com/go-webpubsub/webpubsub/httptest"
)

// {{.Test}} sends an event that an emulator has sent, and compares the answer with the one
// that it got.
{{- if .Redacted}}
//
// A secret was removed from the event: (key), (token) or (hidden) is in its place.
{{- end}}
func {{.Test}}(t *testing.T) {
	service := httptest.New({{or .Handler "nil"}}, &httptest.Options{
		Hub: {{go .Hub}},
		URL: {{go .URL}},
		{{- if not .PublicKey}}
		ConnectionString: os.Getenv("WEBPUBSUB_CONNECTION_STRING"),
		{{- end}}
		{{- if .Origins}}
		Origins: []string{ {{range .Origins}}{{go .}}, {{end}} },
		{{- end}}
	})
	{{- if .State}}
	state := {{go .State}}
	{{- end}}
	req, err := service.NewRequest(t.Context(), httptest.Event{
		Type: {{go .Event.Type}},
		Name: {{go .Event.Name}},
		ID: {{go .Event.ID}},
		ConnectionID: {{go .Connection}},
		{{- if .User}}
		UserID: {{go .User}},
		{{- end}}
		{{- if .Event.Subprotocol}}
		Subprotocol: {{go .Event.Subprotocol}},
		{{- end}}
		{{- if .State}}
		State: &state,
		{{- end}}
		ContentType: {{go .ContentType}},
		Data: []byte({{go .Data}}),
		{{- if .Metadata}}
		Metadata: map[string]string{ {{range $name, $value := .Metadata}}{{go $name}}: {{go $value}}, {{end}} },
		{{- end}}
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := service.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	{{- if .Status}}
	if answer.Status != {{.Status}} {
		t.Errorf("status %d, want {{.Status}}; body %q", answer.Status, answer.Body)
	}
	{{- else}}
	if answer.Status < 200 || answer.Status > 299 { // there was no answer to compare with
		t.Errorf("status %d, want 2xx; body %q", answer.Status, answer.Body)
	}
	{{- end}}
	{{- if .AnswerState}}
	if got, want := answer.Header.Get("ce-connectionState"), {{go .AnswerState}}; got != want {
		t.Errorf("state %q, want %q", got, want)
	}
	{{- end}}
	{{- if .AnswerType}}
	if got, want := answer.Header.Get("Content-Type"), {{go .AnswerType}}; got != want {
		t.Errorf("Content-Type %q, want %q", got, want)
	}
	{{- end}}
	{{- if .BodyIncomplete}}
	// The body is not compared: it was long, or had a secret.
	{{- else if .Status}}
	if got, want := string(answer.Body), {{go .Body}}; got != want {
		t.Errorf("body %q, want %q", got, want)
	}
	{{- end}}
}
`))
