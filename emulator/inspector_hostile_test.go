package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

// importLine imports a record and returns its number.
func (i *inspection) importLine(line string) uint64 {
	i.t.Helper()
	status, body, _ := i.do(i.request(http.MethodPost, "import", line+"\n"))
	require.Equal(i.t, http.StatusOK, status)
	require.JSONEq(i.t, `{"imported": 1, "skipped": 0}`, body)
	_, lines := i.get("export")
	last := strings.Split(strings.TrimSpace(lines), "\n")
	var n uint64
	_, err := fmt.Sscanf(last[len(last)-1], `{"n":%d,`, &n)
	require.NoError(i.t, err)
	return n
}

// words returns the arguments into which a shell splits a command.
func words(t *testing.T, command string) []string {
	t.Helper()
	const tools = `curl() { printf '%s\0' "$@"; }; webpubsub() { curl "$@"; }; `
	out, err := exec.CommandContext(t.Context(), "sh", "-c", tools+command).Output()
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

// A curl command makes a REST call with the method that it had.
func TestInspectorCopiesMethods(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPost} {
		n := i.importLine(`{"kind":"rest.call","rest":{"method":"` + method + `","path":"/api/hubs/chat/users/ann","request":{"data":{"bytes":0}}}}`)
		status, command := i.get(fmt.Sprintf("records/%d/curl", n))
		require.Equal(t, http.StatusOK, status, command)
		switch method {
		case http.MethodPost:
			assert.Contains(t, command, "--data-raw")
		case http.MethodHead:
			assert.Contains(t, words(t, command), "--head")
			assert.NotContains(t, command, "--data-raw")
		default:
			assert.Contains(t, strings.Join(words(t, command), " "), "-X "+method)
		}
	}
}

// A command holds what a client has sent, and nothing in it acts on the shell or on the
// terminal into which it is pasted.
func TestInspectorCopiesHostileTexts(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	for _, text := range []string{
		"$(touch a) `touch b` ${HOME} !! \\ ' '' \" ; & | > < * ~ #", "line\nnext\n", "\ttab", "'", "-n", "@/etc/passwd", "\x03\nrm -rf ~\n", "\x1b[201~\nid\n",
		"\x1b]52;c;aWQ=\x07", "a\r\nb\r\n", "\x7f\b\u009b31m", "\u202egnp", "%s%n%%", "\\015",
	} {
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		n := i.importLine(`{"kind":"event.delivered","hub":"chat","connection":"c","user":` + string(quoted) + `,"event":{"id":"1","type":"azure.webpubsub.user.say","name":"say",` +
			`"handler":"http://app.test/{hub}","url":"http://app.test/chat","request":{"headers":{"Content-Type":["text/plain"]},"data":{"type":"text","text":` + string(quoted) + `}},"stateBefore":{"text":` + string(quoted) + `}}}`)
		status, command := i.get(fmt.Sprintf("records/%d/trigger", n))
		require.Equal(t, http.StatusOK, status, command)
		assert.NotRegexp(t, `[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}]`, command)
		list := words(t, command)
		assert.Equal(t, []string{"trigger", "event", "say", "http://app.test/{hub}"}, list[:4])
		assert.Equal(t, text, list[slices.Index(list, "--user")+1])
		assert.Equal(t, text, list[slices.Index(list, "--state")+1])
		if text[0] != '@' {
			assert.Equal(t, text, list[slices.Index(list, "--data")+1])
		}

		n = i.importLine(`{"kind":"rest.call","rest":{"method":"POST","path":"/api/hubs/chat/:send","request":{"data":{"text":` + string(quoted) + `}}}}`)
		status, command = i.get(fmt.Sprintf("records/%d/curl", n))
		require.Equal(t, http.StatusOK, status, command)
		assert.NotRegexp(t, `[\x00-\x08\x0b-\x1f\x7f\x{80}-\x{9f}]`, command)
		list = words(t, command)
		assert.Equal(t, text, list[slices.Index(list, "--data-raw")+1])
	}
}

// An imported record names no file, option or host of its writer's choice.
func TestInspectorCopiesNoHostileTargets(t *testing.T) {
	t.Parallel()
	i := newInspection(t, emulator.Config{})
	for _, url := range []string{"-K/tmp/config", "--output=/tmp/out", "file:///etc/passwd", "@/etc/passwd", "javascript:alert(1)"} {
		n := i.importLine(`{"kind":"event.delivered","hub":"chat","connection":"c","event":{"id":"1","type":"azure.webpubsub.user.say","name":"say","handler":"` + url + `","url":"` + url + `","request":{"data":{"text":"a"}}}}`)
		for _, as := range []string{"curl", "trigger"} {
			status, body := i.get(fmt.Sprintf("records/%d/%s", n, as))
			assert.Equal(t, http.StatusBadRequest, status, body)
			assert.Contains(t, body, "want http:// or https://")
		}
	}
	n := i.importLine(`{"kind":"rest.call","rest":{"method":"POST","path":"@evil.test/api","request":{"data":{"bytes":0}}}}`)
	status, body := i.get(fmt.Sprintf("records/%d/curl", n))
	assert.Equal(t, http.StatusBadRequest, status, body)
	n = i.importLine(`{"kind":"rest.call","rest":{"method":"POST","path":"/api","request":{"headers":{"@/etc/passwd\u001b":["a"]},"data":{"bytes":0}}}}`)
	status, body = i.get(fmt.Sprintf("records/%d/curl", n))
	assert.Equal(t, http.StatusBadRequest, status, body)
}

// All texts of an imported record count, so that imports do not exceed the memory of the
// inspector.
func TestInspectorBoundsImports(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 150_000)
	for _, record := range []string{
		`"kind":"frame.in","frame":{"request":"` + long + `"}`,
		`"kind":"frame.in","frame":{"subprotocol":"` + long + `"}`,
		`"kind":"frame.in","frame":{"data":{"type":"` + long + `"}}`,
		`"kind":"rest.call","rest":{"method":"` + long + `"}`,
		`"kind":"rest.call","rest":{"answer":{"data":{"type":"` + long + `"}}}`,
		`"kind":"group.joined","group":{"name":"` + long + `"}`,
	} {
		i := newInspection(t, emulator.Config{Inspector: &emulator.Inspector{MaxBytes: 200_000}})
		for range 3 {
			status, body, _ := i.do(i.request(http.MethodPost, "import", "{"+record+"}\n"))
			require.Equal(t, http.StatusOK, status, body)
		}
		_, lines := i.get("export")
		assert.LessOrEqual(t, strings.Count(lines, "\n"), 1, record[:40])
	}
	i := newInspection(t, emulator.Config{})
	status, body, _ := i.do(i.request(http.MethodPost, "import", `{"kind":"client.gone","client":{"code":1000},"group":{"name":"a"}}`+"\n"))
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"imported": 0, "skipped": 1}`, body, "only the size of the first would count")
}
