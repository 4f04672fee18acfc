package webpubsub_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

type typedSaid struct {
	Room string `json:"room" validate:"required,max=8"`
	Text string `json:"text" validate:"required"`
}

type typedItem struct {
	Name string `json:"name" validate:"required"`
}

type typedOrder struct {
	Items    []typedItem           `json:"items" validate:"min=1,dive"`
	ByName   map[string]typedItem  `json:"byName" validate:"dive"`
	Next     *typedOrder           `json:"next"`
	Untagged string                `validate:"max=1"`
	Hidden   string                `json:"-" validate:"max=1"`
	Renamed  typedGeneric[float64] `json:"renamed,omitzero"`
}

type typedGeneric[T any] struct {
	Value T `json:"value" validate:"required"`
}

type typedOdd struct {
	N int `json:"n"`
}

// echoJSON returns the payload.
func echoJSON[T any](_ context.Context, _ *webpubsub.UserEvent, in T) (T, error) { return in, nil }

func TestJSONTypes(t *testing.T) {
	t.Parallel()
	said := webpubsub.JSON(echoJSON[typedSaid])
	tests := []struct {
		name   string
		f      webpubsub.UserEventFunc
		body   string
		want   int
		answer string
	}{
		{"struct", said, `{"room":"a","text":"b","unknown":[1]}`, 200, `{"room":"a","text":"b"}`},
		{"pointer", webpubsub.JSON(echoJSON[*typedSaid]), `{"room":"a","text":"b"}`, 200, `{"room":"a","text":"b"}`},
		{"pointer to pointer", webpubsub.JSON(echoJSON[**typedSaid]), `{"room":"a","text":"b"}`, 200, `{"room":"a","text":"b"}`},
		{"slice of structs", webpubsub.JSON(echoJSON[[]typedItem]), `[{"name":"a"},{"name":"b"}]`, 200, `[{"name":"a"},{"name":"b"}]`},
		{"empty slice", webpubsub.JSON(echoJSON[[]typedItem]), `[]`, 200, `[]`},
		{"null slice", webpubsub.JSON(echoJSON[[]typedItem]), `null`, 200, `null`},
		{"map", webpubsub.JSON(echoJSON[map[string]int]), `{"a":1}`, 200, `{"a":1}`},
		{"any", webpubsub.JSON(echoJSON[any]), `{"a":[1,null]}`, 200, `{"a":[1,null]}`},
		{"any null", webpubsub.JSON(echoJSON[any]), `null`, 200, `null`},
		{"int", webpubsub.JSON(echoJSON[int]), `42`, 200, `42`},
		{"string", webpubsub.JSON(echoJSON[string]), `"s"`, 200, `"s"`},
		{"bool", webpubsub.JSON(echoJSON[bool]), ` true `, 200, `true`},
		{"array", webpubsub.JSON(echoJSON[[2]int]), `[1,2]`, 200, `[1,2]`},
		{"generic", webpubsub.JSON(echoJSON[typedGeneric[int]]), `{"value":1}`, 200, `{"value":1}`},
		{"raw", webpubsub.JSON(echoJSON[jsonRaw]), `{"b":1,"a":2}`, 200, `{"b":1,"a":2}`},
		{"without tags", webpubsub.JSON(echoJSON[typedOdd]), `{}`, 200, `{"n":0}`},
		{"null pointer", webpubsub.JSON(echoJSON[*typedSaid]), `null`, 400, "JSON payload cannot be decoded"},
		{"null struct", said, `null`, 400, "payload is not valid: room: required; text: required"},
		{"empty body", said, ``, 400, "JSON payload cannot be decoded"},
		{"wrong kind", said, `[1]`, 400, "JSON payload cannot be decoded"},
		{"wrong member", said, `{"room":1}`, 400, "JSON payload cannot be decoded"},
		{"number too large", webpubsub.JSON(echoJSON[int8]), `300`, 400, "JSON payload cannot be decoded"},
		{"two values", said, `{"room":"a","text":"b"}{}`, 400, "JSON payload cannot be decoded"},
		{"UE 71 bad JSON", said, `{bad`, 400, "JSON payload cannot be decoded"},
		{"too long", said, `{"room":"123456789","text":"x"}`, 400, "payload is not valid: room: max=8"},
		{"in a slice", webpubsub.JSON(echoJSON[[]typedItem]), `[{"name":"a"},{}]`, 400, "payload is not valid: [1].name: required"},
		{"in a slice of pointers", webpubsub.JSON(echoJSON[[]*typedItem]), `[{"name":"a"},{}]`, 400, "payload is not valid: [1].name: required"},
		{"in a slice of slices", webpubsub.JSON(echoJSON[[][]typedItem]), `[[],[{}]]`, 400, "payload is not valid: [1][0].name: required"},
		{"in a map", webpubsub.JSON(echoJSON[map[string]typedItem]), `{"secret":{}}`, 400, "payload is not valid: […].name: required"},
		{"nested", webpubsub.JSON(echoJSON[typedOrder]), `{"items":[{"name":"a"},{}],"next":{"items":[]},"Untagged":"12","renamed":{"value":1}}`, 400,
			"payload is not valid: items[1].name: required; next.items: min=1; next.renamed.value: required; Untagged: max=1"},
		{"generic, invalid", webpubsub.JSON(echoJSON[typedGeneric[int]]), `{}`, 400, "payload is not valid: value: required"},
		{"generic of a named type", webpubsub.JSON(echoJSON[typedGeneric[*typedSaid]]), `{"value":{"text":"x"}}`, 400, "payload is not valid: value.room: required"},
		{"anonymous struct", webpubsub.JSON(echoJSON[struct {
			Name string `json:"name" validate:"required"`
		}]), `{}`, 400, "payload is not valid: name: required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, ct := range []string{"application/json", "text/plain; charset=utf-8"} {
				resp := serveFixture(t, withFallback(tt.f), "user_json", contentType(ct), wireBody(tt.body))
				assert.Equal(t, tt.want, resp.StatusCode, ct)
				assert.Equal(t, tt.answer, wireText(t, resp), ct)
				if tt.want == http.StatusOK {
					assert.Equal(t, "application/json; charset=utf-8", resp.Header.Get("Content-Type"))
				}
			}
		})
	}
}

// A reply that a function returns is sent as it is. Other types of this package are an
// error that the log explains.
func TestJSONOfReplies(t *testing.T) {
	t.Parallel()
	reply := webpubsub.TextReply("as it is")
	for name, tt := range map[string]struct {
		f      webpubsub.UserEventFunc
		status int
		answer string
		logged string // empty: nothing
	}{
		"Reply":                 {returningJSON(reply), 200, "as it is", ""},
		"*Reply":                {returningJSON(&reply), 200, "as it is", ""},
		"nil *Reply":            {returningJSON[*webpubsub.Reply](nil), 204, "", ""},
		"any of a Reply":        {returningJSON[any](reply), 200, "as it is", ""},
		"any of a *Reply":       {returningJSON[any](&reply), 200, "as it is", ""},
		"any of a nil *Reply":   {returningJSON[any]((*webpubsub.Reply)(nil)), 204, "", ""},
		"nil":                   {returningJSON[any](nil), 200, "null", ""},
		"JSONReply of a Reply":  {returningJSON(webpubsub.JSONReply(reply)), 500, "Internal Server Error", "reply: a Reply is not a JSON value; return it as it is"},
		"ConnectReply":          {returningJSON(webpubsub.ConnectReply{UserID: "ann"}), 500, "Internal Server Error", connectReplyMistake},
		"*ConnectReply":         {returningJSON(&webpubsub.ConnectReply{UserID: "ann"}), 500, "Internal Server Error", connectReplyMistake},
		"any of a ConnectReply": {returningJSON[any](webpubsub.ConnectReply{}), 500, "Internal Server Error", connectReplyMistake},
		"StateUpdate": {
			returningJSON(webpubsub.RawState("x")), 500, "Internal Server Error",
			"reply: a StateUpdate is not a JSON value; return Reply{State: update}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, logger := debugLog()
			cfg := withFallback(tt.f)
			cfg.Logger = logger
			resp := serveFixture(t, cfg, "user_json", wireBody(`{}`))
			assert.Equal(t, tt.status, resp.StatusCode)
			assert.Equal(t, tt.answer, wireText(t, resp))
			if tt.logged == "" {
				assert.Empty(t, log.String())
				return
			}
			assert.Equal(t, tt.logged, logRecord(t, log)["error"])
		})
	}
}

const connectReplyMistake = "reply: a ConnectReply answers connect events only; return a Reply, or a value of your own to send it as JSON"

// returningJSON returns a typed function that returns out.
func returningJSON[Out any](out Out) webpubsub.UserEventFunc {
	return webpubsub.JSON(func(context.Context, *webpubsub.UserEvent, struct{}) (Out, error) { return out, nil })
}

// jsonRaw is a type that decodes itself.
type jsonRaw struct{ data []byte }

func (r *jsonRaw) UnmarshalJSON(data []byte) error { r.data = append([]byte(nil), data...); return nil }
func (r jsonRaw) MarshalJSON() ([]byte, error)     { return r.data, nil }

func TestUE71FunctionIsNotCalledForBadPayloads(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"{bad", `{}`, `{"room":"x"}`} {
		f := webpubsub.JSON(func(context.Context, *webpubsub.UserEvent, typedSaid) (webpubsub.Reply, error) {
			t.Error("the function was called")
			return webpubsub.Reply{}, nil
		})
		assert.Equal(t, http.StatusBadRequest, serveFixture(t, withFallback(f), "user_json", wireBody(body)).StatusCode)
	}
}

func TestInterceptorsSeePayloadErrors(t *testing.T) {
	t.Parallel()
	serve := func(body string) error {
		var err error
		cfg := withFallback(webpubsub.JSON(echoJSON[typedSaid]))
		cfg.Interceptors = []webpubsub.Interceptor{seeError(&err)}
		serveFixture(t, cfg, "user_json", wireBody(body))
		return err
	}
	var decode *webpubsub.DecodeError
	require.ErrorAs(t, serve("{bad"), &decode)
	assert.Equal(t, "JSON payload", decode.What)
	require.Error(t, decode.Err)

	var invalid *webpubsub.ValidationError
	require.ErrorAs(t, serve(`{"room":"s3cr3t-s3cr3t"}`), &invalid)
	assert.Equal(t, []webpubsub.FieldError{{Field: "room", Rule: "max", Param: "8"}, {Field: "text", Rule: "required"}}, invalid.Fields)
	assert.Equal(t, "payload is not valid: room: max=8; text: required", invalid.Error())
	assert.NotContains(t, invalid.Error(), "s3cr3t")
}

func TestJSONRefusesOtherPayloads(t *testing.T) {
	t.Parallel()
	f := withFallback(webpubsub.JSON(echoJSON[any]))
	for ct, kind := range map[string]string{"application/octet-stream": "binary", "application/x-protobuf": "protobuf"} {
		resp := serveFixture(t, f, "user_json", contentType(ct), wireBody("{}"))
		assert.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode)
		assert.Equal(t, "event payload is "+kind+", want application/json or text/plain", wireText(t, resp))
	}
	resp := serveFixture(t, f, "mqtt_publish")
	assert.Equal(t, http.StatusUnsupportedMediaType, resp.StatusCode, "MQTT with another media type")
}

func TestText(t *testing.T) {
	t.Parallel()
	shout := webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, in string) (string, error) {
		return strings.ToUpper(in), nil
	})
	silent := webpubsub.Text(func(context.Context, *webpubsub.UserEvent, string) (webpubsub.Reply, error) {
		return webpubsub.Reply{}, nil
	})
	binary := webpubsub.Text(func(_ context.Context, _ *webpubsub.UserEvent, in string) (webpubsub.Reply, error) {
		return webpubsub.BinaryReply([]byte(in)), nil
	})
	refuse := webpubsub.Text(func(context.Context, *webpubsub.UserEvent, string) (string, error) {
		return "not sent", webpubsub.Forbidden("no")
	})
	tests := []struct {
		name        string
		f           webpubsub.UserEventFunc
		contentType string
		body        string
		want        int
		answer      string
		answerType  string
	}{
		{"string", shout, "text/plain", "hello, 世界", 200, "HELLO, 世界", "text/plain; charset=utf-8"},
		{"empty", shout, "text/plain", "", 200, "", "text/plain; charset=utf-8"},
		{"Reply of nothing", silent, "text/plain", "x", 204, "", ""},
		{"Reply of another kind", binary, "text/plain; charset=utf-8", "x", 200, "x", "application/octet-stream"},
		{"error", refuse, "text/plain", "x", 403, "no", "text/plain; charset=utf-8"},
		{"not UTF-8", shout, "text/plain", "a\xff", 400, "text payload cannot be decoded", "text/plain; charset=utf-8"},
		{"not UTF-8 for a Reply", silent, "text/plain", "\xc3\x28", 400, "text payload cannot be decoded", "text/plain; charset=utf-8"},
		{"JSON", shout, "application/json", `"x"`, 415, "event payload is json, want text/plain", "text/plain; charset=utf-8"},
		{"binary", silent, "application/octet-stream", "x", 415, "event payload is binary, want text/plain", "text/plain; charset=utf-8"},
		{"protobuf", shout, "application/x-protobuf", "x", 415, "event payload is protobuf, want text/plain", "text/plain; charset=utf-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp := serveFixture(t, withFallback(tt.f), "user_text", contentType(tt.contentType), wireBody(tt.body))
			assert.Equal(t, tt.want, resp.StatusCode)
			assert.Equal(t, tt.answer, wireText(t, resp))
			assert.Equal(t, tt.answerType, resp.Header.Get("Content-Type"))
		})
	}
}

func TestTypedFunctionsThatReturnReply(t *testing.T) {
	t.Parallel()
	f := webpubsub.JSON(func(_ context.Context, ev *webpubsub.UserEvent, in typedSaid) (webpubsub.Reply, error) {
		require.NotNil(t, ev)
		return webpubsub.TextReply(in.Room + "/" + ev.UserID), nil
	})
	resp := serveFixture(t, withFallback(f), "user_json")
	assert.Equal(t, "lobby/vic", wireText(t, resp))
	assert.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))

	failing := webpubsub.JSON(func(context.Context, *webpubsub.UserEvent, typedSaid) (typedSaid, error) {
		return typedSaid{Room: "not sent"}, webpubsub.Conflict("taken")
	})
	resp = serveFixture(t, withFallback(failing), "user_json")
	assert.Equal(t, http.StatusConflict, resp.StatusCode)
	assert.Equal(t, "taken", wireText(t, resp))
}

func TestNilTypedFunctionsAreConstructionErrors(t *testing.T) {
	t.Parallel()
	var text func(context.Context, *webpubsub.UserEvent, string) (string, error)
	var textReply func(context.Context, *webpubsub.UserEvent, string) (webpubsub.Reply, error)
	for name, f := range map[string]webpubsub.UserEventFunc{
		"JSON":            webpubsub.JSON[typedSaid, typedSaid](nil),
		"JSON with Reply": webpubsub.JSON[typedSaid, webpubsub.Reply](nil),
		"Text":            webpubsub.Text(text),
		"Text with Reply": webpubsub.Text(textReply),
		"plain":           nil,
	} {
		_, err := webpubsub.NewHandler(webpubsub.Config{
			ConnectionStrings: []string{wireConnectionString},
			UserEvents:        map[string]webpubsub.UserEventFunc{"say": f},
		})
		require.Error(t, err, name)
		assert.Contains(t, err.Error(), `UserEvents["say"]`, name)
	}
}

func TestDecodeJSONStatus(t *testing.T) {
	t.Parallel()
	type said struct {
		Text string `json:"text"`
	}
	for name, tc := range map[string]struct {
		into any
		body string
		want int
	}{
		"right":                   {new(said), `{"text":"ä"}`, http.StatusNoContent},
		"payload that is no JSON": {new(said), `{`, http.StatusBadRequest},
		"payload not UTF-8":       {new(said), "{\"text\":\"\xff\"}", http.StatusBadRequest},
		"no pointer":              {said{}, `{"text":"ä"}`, http.StatusInternalServerError},
		"nil":                     {nil, `{"text":"ä"}`, http.StatusInternalServerError},
		"nil pointer":             {(*said)(nil), `{"text":"ä"}`, http.StatusInternalServerError},
	} {
		h := wireHandler(t, webpubsub.Config{Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
			return webpubsub.Reply{}, ev.DecodeJSON(tc.into)
		}})
		resp := wireServe(h, wireRequest(t, "user_json", wireBody(tc.body)))
		assert.Equal(t, tc.want, resp.StatusCode, name)
	}
}
