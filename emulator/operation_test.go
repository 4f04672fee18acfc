package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

const (
	traceA = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	traceB = "00-11111111111111111111111111111111-2222222222222222-00"
)

// book has lines that several goroutines write.
type book struct {
	mu    sync.Mutex
	lines []string
}

func (b *book) add(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, fmt.Sprintf(format, args...))
}

// settled returns and removes the lines when all goroutines are blocked.
func (b *book) settled() []string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.lines
	b.lines = nil
	return out
}

// traced calls the REST API with a trace context.
func (r *rig) traced(method, path, key, parent, state string) int {
	r.t.Helper()
	target := base + "/api/hubs/chat" + path
	req, err := http.NewRequestWithContext(r.t.Context(), method, target, nil)
	require.NoError(r.t, err)
	req.Header.Set("Authorization", "Bearer "+signWith(r.t, key, jwt.MapClaims{"aud": target, "exp": time.Now().Add(time.Hour).Unix()}))
	req.Header.Set("Traceparent", parent)
	req.Header.Set("Tracestate", state)
	resp, err := r.http.Do(req)
	require.NoError(r.t, err)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// contexts returns an event handler that notes the trace contexts of events.
func contexts(b *book) http.Handler {
	s := new(script)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			b.add("%s %s %s", r.Header.Get("Ce-Eventname"), r.Header.Get("Traceparent"), r.Header.Get("Tracestate"))
		}
		s.ServeHTTP(w, r)
	})
}

// TestTraceContextOfRESTCalls: the events that a REST call raises have its trace context.
// Other events have none.
func TestTraceContextOfRESTCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen book
		r := newRig(t, chat(contexts(&seen)))
		p := r.member("ann")
		p.send(`{"type":"joinGroup","group":"own","ackId":1}`, `{"type":"event","event":"e","ackId":2,"dataType":"text","data":"x"}`)
		p.next()
		p.next()
		assert.ElementsMatch(t, []string{"connect  ", "connected  ", "joined  ", "e  "}, seen.settled())
		group := "/groups/g/connections/" + p.id()
		assert.Equal(t, http.StatusOK, r.traced(http.MethodPut, group, emulator.DefaultAccessKey, traceA, "a=1"))
		assert.Equal(t, http.StatusNoContent, r.traced(http.MethodDelete, group, emulator.DefaultAccessKey, traceB, ""))
		assert.Equal(t, []string{"joined " + traceA + " a=1", "left " + traceB + " "}, seen.settled())
		for _, bad := range []string{"", "00-x", strings.ToUpper(traceA) + "-more", traceA + "\t", "00-" + strings.Repeat("0", 500)} {
			assert.Equal(t, http.StatusOK, r.traced(http.MethodPut, group, emulator.DefaultAccessKey, bad, "a=1"))
			r.traced(http.MethodDelete, group, emulator.DefaultAccessKey, traceA, strings.Repeat("s", 513))
			got := seen.settled()
			require.Len(t, got, 2)
			assert.Equal(t, "left "+traceA+" ", got[1], "without a state that is too long")
			if bad != traceA+"\t" { // which net/http trims
				assert.Equal(t, "joined  ", got[0])
			}
		}
		assert.Equal(t, http.StatusNoContent, r.traced(http.MethodDelete, "/connections/"+p.id(), emulator.DefaultAccessKey, traceA, ""))
		assert.Equal(t, []string{"left " + traceA + " ", "disconnected " + traceA + " "}, seen.settled())
	})
}

// TestTrace: Config.Trace sees the beginning and the end of each operation, and chooses
// the trace context that goes on.
func TestTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen, sent book
		cfg := chat(contexts(&sent))
		cfg.Trace = func(op emulator.Operation) (emulator.TraceContext, func(emulator.OperationResult)) {
			line := fmt.Sprintf("%s %s %s %t", op.Kind, op.Hub, op.Name, op.Cause.Parent != "")
			seen.add("%s", line)
			passed := op.Cause
			if op.Kind == emulator.OperationREST && passed.Parent != "" {
				passed = emulator.TraceContext{Parent: traceB, State: "b=2"}
			}
			assert.Equal(t, op.Kind != emulator.OperationREST, op.ConnectionID != "")
			assert.Equal(t, op.Kind == emulator.OperationDelivery, op.EventID != "")
			if op.Name == "connected" {
				return passed, nil
			}
			return passed, func(got emulator.OperationResult) { seen.add("%s: %v", line, got) }
		}
		r := newRig(t, cfg)
		p := r.member("ann")
		assert.Equal(t, []string{
			"delivery chat connect false", "delivery chat connect false: {204 1}", "connection chat  false", "delivery chat connected false",
		}, seen.settled())
		sent.settled()
		p.send(`{"type":"event","event":"any-name","ackId":2,"dataType":"text","data":"x"}`)
		p.next()
		assert.Equal(t, []string{"delivery chat user false", "delivery chat user false: {204 1}"}, seen.settled())
		assert.Equal(t, http.StatusUnauthorized, r.traced(http.MethodDelete, "/connections/"+p.id(), strings.Repeat("wrong", 10), traceA, ""))
		const route = "DELETE /api/hubs/{hub}/connections/{connection}"
		assert.Equal(t, []string{"rest chat " + route + " false", "rest chat " + route + " false: {401 0}"}, seen.settled())
		assert.Equal(t, http.StatusNoContent, r.traced(http.MethodDelete, "/connections/"+p.id(), emulator.DefaultAccessKey, traceA, ""))
		assert.ElementsMatch(t, []string{
			"rest chat " + route + " true", "connection chat  false: {0 0}", "rest chat " + route + " true: {204 0}",
			"delivery chat disconnected true", "delivery chat disconnected true: {204 1}",
		}, seen.settled())
		assert.Equal(t, []string{"any-name  ", "disconnected " + traceB + " b=2"}, sent.settled())
	})
}
