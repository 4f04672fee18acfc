package webpubsub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	own := &webpubsub.ValidationError{Fields: []webpubsub.FieldError{{Field: "a.b", Rule: "colour", Param: "red"}}}
	tests := []struct {
		name   string
		err    error
		want   int
		answer string
	}{
		{"accepts", nil, 200, `{"room":"","text":""}`},
		{"any error", errors.New("secret detail"), 400, "payload is not valid"},
		{"ValidationError", own, 400, "payload is not valid: a.b: colour=red"},
		{"wrapped ValidationError", fmt.Errorf("secret detail: %w", own), 400, "payload is not valid: a.b: colour=red"},
		{"Error", webpubsub.Conflict("taken"), 409, "taken"},
		{"wrapped Error", fmt.Errorf("secret detail: %w", webpubsub.Unavailable("")), 503, ""},
		{"deadline", context.DeadlineExceeded, 400, "payload is not valid"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var payloads []any
			var seen error
			var out bytes.Buffer
			cfg := withFallback(webpubsub.JSON(echoJSON[typedSaid]))
			cfg.Interceptors = []webpubsub.Interceptor{seeError(&seen)}
			cfg.Logger = logTo(&out)
			cfg.Validate = func(payload any) error { payloads = append(payloads, payload); return tt.err }
			resp := serveFixture(t, cfg, "user_json", wireBody("{}"))
			assert.Equal(t, tt.want, resp.StatusCode)
			assert.Equal(t, tt.answer, wireText(t, resp))
			require.Len(t, payloads, 1, "once")
			assert.IsType(t, new(typedSaid), payloads[0], "and gets a pointer, instead of the tags")
			if tt.err != nil {
				require.ErrorIs(t, seen, tt.err)
				assert.Contains(t, out.String(), tt.err.Error(), "logged with its text")
			}
		})
	}
}

func TestConfigValidateThatPanics(t *testing.T) {
	t.Parallel()
	cfg := withFallback(webpubsub.JSON(echoJSON[typedSaid]))
	cfg.Validate = func(any) error { panic("boom") }
	assert.Equal(t, http.StatusInternalServerError, serveFixture(t, cfg, "user_json").StatusCode)
}

// An invalid tag is an error of the server: the answer is a 500.
func TestInvalidValidateTag(t *testing.T) {
	t.Parallel()
	type wrong struct {
		A string `json:"a" validate:"nosuchrule"`
	}
	resp := serveFixture(t, withFallback(webpubsub.JSON(echoJSON[wrong])), "user_json")
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Equal(t, "Internal Server Error", wireText(t, resp))
}

type ruledNode struct {
	Next *ruledNode `json:"next"`
	Name string     `json:"name" validate:"max=3"`
}

// Rules are found wherever a type has them. Types without rules are not validated.
func TestRulesAnywhere(t *testing.T) {
	t.Parallel()
	type rule struct {
		A string `json:"a" validate:"required"`
	}
	type free struct {
		A    string           `json:"a"`
		Self []map[string]int `json:"self"`
	}
	type list struct {
		Rules []rule `json:"rules" validate:"dive"`
	}
	type pointer struct{ Rule *rule }
	type value struct {
		free
		Rule rule
	}
	type outermost struct{ Maps []map[string]rule }
	tests := []struct {
		name   string
		decode func(ev *webpubsub.UserEvent) error
		body   string
		valid  bool
	}{
		{"struct", decodeInto[rule], `{}`, false},
		{"pointer to a struct", decodeInto[*rule], `{}`, false},
		{"slice of structs", decodeInto[[]rule], `[{}]`, false},
		{"map of structs", decodeInto[map[string]*rule], `{"k":{}}`, false},
		{"dive", decodeInto[list], `{"rules":[{}]}`, false},
		{"member", decodeInto[value], `{"Rule":{}}`, false},
		{"pointer member", decodeInto[pointer], `{"Rule":{}}`, false},
		{"absent pointer member", decodeInto[pointer], `{}`, true},
		{"no dive tag", decodeInto[outermost], `{"Maps":[{"k":{}}]}`, true},
		{"recursive", decodeInto[ruledNode], `{"next":{"name":"long"}}`, false},
		{"recursive and valid", decodeInto[ruledNode], `{"next":{"name":"abc"}}`, true},
		{"none", decodeInto[free], `{"a":""}`, true},
		{"any", decodeInto[any], `{"a":""}`, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := &webpubsub.UserEvent{DataType: webpubsub.DataJSON, Data: []byte(tt.body)}
			for range 2 { // compiled, then from the cache
				err := tt.decode(ev)
				if tt.valid {
					require.NoError(t, err)
					continue
				}
				var invalid *webpubsub.ValidationError
				require.ErrorAs(t, err, &invalid)
			}
		})
	}
}

func decodeInto[T any](ev *webpubsub.UserEvent) error { return ev.DecodeJSON(new(T)) }

func TestValidationRunsOnce(t *testing.T) {
	t.Parallel()
	type first struct {
		A string `json:"a" validate:"required"`
	}
	type second struct {
		A string `json:"a"`
	}
	f := func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		var strict first
		var loose second
		return webpubsub.Reply{}, errors.Join(ev.DecodeJSON(&loose), ev.DecodeJSON(&strict))
	}
	resp := serveFixture(t, withFallback(f), "user_json", wireBody("{}"))
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	assert.Equal(t, "payload is not valid: a: required", wireText(t, resp))
}

// The answer to a payload with a thousand violations is short.
func TestValidationAnswersAreBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var seen error
	cfg := withFallback(webpubsub.JSON(echoJSON[[]typedItem]))
	cfg.Logger, cfg.Interceptors = logTo(&out), []webpubsub.Interceptor{seeError(&seen)}
	body := "[{}" + string(bytes.Repeat([]byte(",{}"), 9_999)) + "]"
	resp := serveFixture(t, cfg, "user_json", wireBody(body))
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	text := wireText(t, resp)
	assert.Contains(t, text, "[0].name: required; [1].name: required")
	assert.Contains(t, text, "[15].name: required; and 9984 more")
	assert.Less(t, len(text), 4096)
	assert.Less(t, out.Len(), 8192)
	var invalid *webpubsub.ValidationError
	require.ErrorAs(t, seen, &invalid)
	assert.Len(t, invalid.Fields, 10_000, "the program sees them all")

	cfg = withFallback(webpubsub.JSON(echoJSON[typedOrder]))
	deep := strings.Repeat(`{"items":[{"name":"x"}],"next":`, 2000) + "{}" + strings.Repeat("}", 2000)
	resp = serveFixture(t, cfg, "user_json", wireBody(deep))
	assert.Equal(t, http.StatusBadRequest, resp.StatusCode)
	assert.Less(t, len(wireText(t, resp)), 4096)
}
