package emulator_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The log quotes the first 128 bytes of a refusal on one line. The client gets the status
// only.
func TestRefusalTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é ", 1<<10) + "\nlevel=INFO"
	for _, tc := range []struct {
		name         string
		text, logged string
	}{
		{"short", "none of the origins \"localhost\" is allowed here\n", `"none of the origins \"localhost\" is allowed here"`},
		{"a forged line", "no\r\nlevel=INFO msg=\"all is well\"", `"no  level=INFO msg=\"all is well\""`},
		{"cut between two characters", long, `"` + strings.Repeat("é ", 42) + `é…"`},
		{"not UTF-8", "\xff\xfe no", `" no"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				no := func(status int) http.HandlerFunc { return answer(status, "text/plain", tc.text) }
				h := &script{on: map[string]http.HandlerFunc{"connect": answers(no(400), answer(204, "", "")), "connected": no(404), "e": no(409)}}
				var logged logBook
				cfg := chat(h)
				cfg.Logger = logged.logger()
				r := newRig(t, cfg)
				_, resp := r.try(r.clientURL("ann", ""), nil)
				require.Equal(t, http.StatusBadRequest, resp.StatusCode)
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, "Bad Request\n", string(body), "not for strangers")
				p := r.member("ann")
				synctest.Wait()
				p.send(`{"type":"event","event":"e","data":1,"ackId":1}`)
				p.expect(ackedErr)
				synctest.Wait()
				refused := logged.lines("event refused")
				require.Len(t, refused, 3)
				for i, status := range []string{"400", "404", "409"} {
					assert.Contains(t, refused[i], " status="+status+" ms=0 answer="+tc.logged)
				}
				inner := strings.ReplaceAll(strings.ReplaceAll(tc.logged, `\`, `\\`), `"`, `\"`)
				require.Len(t, logged.lines("client refused"), 1)
				assert.Contains(t, logged.lines("client refused")[0], ` status=400 reason="the event handler answered 400: `+inner+`"`)
			})
		})
	}
}

// The log also quotes a handler that refuses consent.
func TestConsentTexts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"no header", answer(200, "text/plain", "no consent: compare the origins\n"), `no consent: the answer to OPTIONS has no header WebHook-Allowed-Origin: \"no consent: compare the origins\"`},
		{"other origin", answer(200, "text/plain", "elsewhere", "WebHook-Allowed-Origin", "a.test"), `is * or the origin, it has \"a.test\": \"elsewhere\"`},
		{"nobody is there", http.NotFound, `no consent: GET was answered with 404, want 2xx: \"404 page not found\"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logged logBook
				cfg := chat(&script{consent: tc.answer})
				cfg.Logger = logged.logger()
				r := newRig(t, cfg)
				_, resp := r.try(r.clientURL("ann", ""), nil)
				require.Equal(t, http.StatusInternalServerError, resp.StatusCode)
				for _, line := range []string{"validation failed", "event not delivered", "client refused"} {
					require.Len(t, logged.lines(line), 1)
					assert.Contains(t, logged.lines(line)[0], tc.want)
				}
			})
		})
	}
}
