package cli_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
)

// A line that the inspector copies sends the same event again.
func TestTriggerOfTheInspector(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	got := make(map[string][]string) // by event
	handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("WebHook-Allowed-Origin", "*")
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("ce-eventName") == "connect" {
			w.Header().Set("ce-connectionState", "eyJuIjoxfQ==")
			var in map[string]any
			_ = json.Unmarshal(body, &in)
			body = fmt.Append(nil, in["query"], in["subprotocols"], in["claims"].(map[string]any)["sub"])
		}
		mu.Lock()
		defer mu.Unlock()
		name := r.Header.Get("ce-eventName")
		var seen []string
		for _, header := range []string{"ce-type", "ce-connectionId", "ce-userId", "ce-subprotocol", "ce-connectionState", "ce-signature", "Content-Type", "X-WebPubSub-Metadata-A"} {
			seen = append(seen, header+": "+r.Header.Get(header))
		}
		got[name] = append(got[name], strings.Join(append(seen, string(body)), "\n"))
	}))
	defer handler.Close()
	emu := emulator.Start(t, emulator.Config{
		Inspector: &emulator.Inspector{},
		Hubs:      map[string]emulator.Hub{"chat": {EventHandlers: []emulator.EventHandler{emulator.AtURL(handler.URL + "/{event}")}}},
	})
	conn, _, err := websocket.Dial(t.Context(), emu.ClientURL("chat", &emulator.ClientOptions{UserID: "ann", Groups: []string{"it's"}})+"&room=a%20b", &websocket.DialOptions{Subprotocols: []string{"json.webpubsub.azure.v1"}})
	require.NoError(t, err)
	for _, frame := range []string{
		`{"type":"event","event":"text","dataType":"text","data":"it's \"me\"","metadata":{"a":"1 2"},"ackId":1}`,
		`{"type":"event","event":"at","dataType":"text","data":"@file","ackId":2}`,
		`{"type":"event","event":"json","data":{"a":[1]},"ackId":3}`, `{"type":"event","event":"bytes","dataType":"binary","data":"AAH/","ackId":4}`,
	} {
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(frame)))
	}
	for range 5 {
		_, _, err := conn.Read(t.Context())
		require.NoError(t, err)
	}
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, "bye"))
	require.NoError(t, emu.Shutdown(t.Context())) // all events are delivered

	for _, r := range exportOf(t, emu) {
		args, stdin := words(t, inspectorGet(t, emu, fmt.Sprintf("records/%d/trigger", r.N)))
		err := cli.Exec(t.Context(), args, environment(nil), strings.NewReader(stdin), new(strings.Builder), new(strings.Builder))
		require.NoError(t, err, "%q", args)
		mu.Lock()
		seen := got[r.Event.Name]
		require.Len(t, seen, 2)
		assert.Equal(t, seen[0], seen[1], "%q", args)
		mu.Unlock()
	}
	assert.Len(t, got, 10, "with the validation, which has no name")
}

// eventRecord is a part of a record of an event.
type eventRecord struct {
	N     uint64
	Event *struct{ Name string }
}

func inspectorGet(t *testing.T, emu *emulator.TestServer, path string) string {
	t.Helper()
	page, token, _ := strings.Cut(emu.InspectorURL(emu.Endpoint), "#token=")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+path, nil)
	require.NoError(t, err)
	req.Header.Set("Inspector-Token", token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s", data)
	return string(data)
}

// exportOf returns the records of events.
func exportOf(t *testing.T, emu *emulator.TestServer) (out []eventRecord) {
	t.Helper()
	for line := range strings.Lines(inspectorGet(t, emu, "export")) {
		var r eventRecord
		require.NoError(t, json.Unmarshal([]byte(line), &r))
		if r.Event != nil {
			out = append(out, r)
		}
	}
	return out
}

// words returns the arguments of webpubsub in a command line, and its input.
func words(t *testing.T, line string) (args []string, stdin string) {
	t.Helper()
	script := "webpubsub() { printf '%s\\0' \"$@\"; printf 'stdin\\0'; case \"$*\" in *' - '*|*' -') cat;; esac; }\n" + line
	out, err := exec.CommandContext(t.Context(), "sh", "-c", script).Output()
	require.NoError(t, err)
	before, after, found := strings.Cut(string(out), "\x00stdin\x00")
	require.True(t, found)
	return strings.Split(before, "\x00"), after
}
