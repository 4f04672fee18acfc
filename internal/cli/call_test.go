package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli"
	"github.com/go-webpubsub/webpubsub/service"
)

// restOperations are the operations of API version 2024-12-01.
var restOperations = map[string]string{
	"HEAD /api/health":                                        "GetServiceStatus",
	"POST /api/hubs/{hub}/:addToGroups":                       "AddConnectionsToGroups",
	"POST /api/hubs/{hub}/:closeConnections":                  "CloseAllConnections",
	"POST /api/hubs/{hub}/:generateToken":                     "GenerateClientToken",
	"POST /api/hubs/{hub}/:removeFromGroups":                  "RemoveConnectionsFromGroups",
	"POST /api/hubs/{hub}/:send":                              "SendToAll",
	"DELETE /api/hubs/{hub}/connections/{id}":                 "CloseConnection",
	"HEAD /api/hubs/{hub}/connections/{id}":                   "ConnectionExists",
	"POST /api/hubs/{hub}/connections/{id}/:send":             "SendToConnection",
	"DELETE /api/hubs/{hub}/connections/{id}/groups":          "RemoveConnectionFromAllGroups",
	"HEAD /api/hubs/{hub}/groups/{group}":                     "GroupExists",
	"POST /api/hubs/{hub}/groups/{group}/:closeConnections":   "CloseGroupConnections",
	"POST /api/hubs/{hub}/groups/{group}/:send":               "SendToGroup",
	"GET /api/hubs/{hub}/groups/{group}/connections":          "ListConnectionsInGroup",
	"DELETE /api/hubs/{hub}/groups/{group}/connections/{id}":  "RemoveConnectionFromGroup",
	"PUT /api/hubs/{hub}/groups/{group}/connections/{id}":     "AddConnectionToGroup",
	"DELETE /api/hubs/{hub}/permissions/{p}/connections/{id}": "RevokePermission",
	"HEAD /api/hubs/{hub}/permissions/{p}/connections/{id}":   "CheckPermission",
	"PUT /api/hubs/{hub}/permissions/{p}/connections/{id}":    "GrantPermission",
	"HEAD /api/hubs/{hub}/users/{user}":                       "UserExists",
	"POST /api/hubs/{hub}/users/{user}/:closeConnections":     "CloseUserConnections",
	"POST /api/hubs/{hub}/users/{user}/:send":                 "SendToUser",
	"DELETE /api/hubs/{hub}/users/{user}/groups":              "RemoveUserFromAllGroups",
	"DELETE /api/hubs/{hub}/users/{user}/groups/{group}":      "RemoveUserFromGroup",
	"PUT /api/hubs/{hub}/users/{user}/groups/{group}":         "AddUserToGroup",
}

// calledService is an emulator that records the operations that are called, and a client
// of it: user ann in the group lobby, with the JSON subprotocol.
type calledService struct {
	t                *testing.T
	connectionString string
	chat             *service.Client
	conn             *websocket.Conn
	id               string // of the connection

	mu     sync.Mutex
	called []string
	query  url.Values // of the last call
}

func callService(t *testing.T, cfg emulator.Config) *calledService {
	t.Helper()
	emu, err := emulator.New(cfg)
	require.NoError(t, err)
	t.Cleanup(emu.Close)
	s := &calledService{t: t}
	routes := http.NewServeMux()
	for pattern := range restOperations {
		routes.Handle(pattern, http.NotFoundHandler())
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := routes.Handler(r); pattern != "" {
			s.mu.Lock()
			s.called = append(s.called, restOperations[pattern])
			s.query = r.URL.Query()
			s.mu.Unlock()
		}
		emu.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.connectionString = emulator.ConnectionString(server.URL, emulator.DefaultAccessKey)
	s.chat, err = service.NewClientFromConnectionString(s.connectionString, "chat", nil)
	require.NoError(t, err)
	access, err := s.chat.ClientAccess(t.Context(), &service.ClientAccessOptions{UserID: "ann", Groups: []string{"lobby"}})
	require.NoError(t, err)
	s.conn, s.id = connectTo(t, access.URL())
	return s
}

// connectTo connects a client of the JSON subprotocol and returns it with its id.
func connectTo(t *testing.T, target string) (conn *websocket.Conn, id string) {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), target, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{}}, Subprotocols: []string{"json.webpubsub.azure.v1"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	var connected struct{ ConnectionID string }
	require.NoError(t, json.Unmarshal([]byte(readFrame(t, conn)), &connected))
	return conn, connected.ConnectionID
}

func readFrame(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	_, frame, err := conn.Read(t.Context())
	require.NoError(t, err)
	return string(frame)
}

// reset returns the operations called since the last reset.
func (s *calledService) reset() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	called := s.called
	s.called = nil
	return called
}

// parameter returns a query parameter of the last call.
func (s *calledService) parameter(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.query.Get(name)
}

// members returns the ids of the connections in a group.
func (s *calledService) members(group string) []string {
	s.t.Helper()
	ids := []string{}
	for m, err := range s.chat.Group(group).Connections(s.t.Context(), nil) {
		require.NoError(s.t, err)
		ids = append(ids, m.ConnectionID)
	}
	return ids
}

// run runs a command for the hub, and checks what it prints and returns.
func (s *calledService) run(line, stdin, stdout string, code int) {
	s.t.Helper()
	args := strings.Fields(strings.ReplaceAll(line, "CONNECTION", s.id))
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "|", " ")
	}
	var out, errors strings.Builder
	env := environment(map[string]string{"WEBPUBSUB_CONNECTION_STRING": s.connectionString, "WEBPUBSUB_HUB": "chat"})
	assert.Equal(s.t, code, cli.Main(args, env, strings.NewReader(stdin), &out, &errors), line)
	assert.Equal(s.t, stdout, strings.ReplaceAll(out.String(), s.id, "CONNECTION"))
	assert.Empty(s.t, errors.String())
}

// isClosed reads the disconnected message and the close frame.
func (s *calledService) isClosed(reason string) {
	s.t.Helper()
	assert.Contains(s.t, readFrame(s.t, s.conn), reason)
	_, _, err := s.conn.Read(s.t.Context())
	assert.Equal(s.t, websocket.StatusNormalClosure, websocket.CloseStatus(err))
}

// message is a frame of a message from the server.
func message(kind, data string) string {
	return `{"type":"message","from":"server","dataType":"` + kind + `","data":` + data + `}`
}

// TestOperations calls each operation by a command, and checks what it does.
func TestOperations(t *testing.T) {
	t.Parallel()
	file := write(t, "a file")
	tests := []struct {
		operation string
		args      string // CONNECTION is ann's, and | is a space within an argument
		stdin     string
		prepare   string // a command before it
		stdout    string
		code      int
		hears     string // the next frame of ann
		closed    string // the reason of ann's close frame
		group     string // that ann is in afterwards; "!" before it: that she is not in
	}{
		{operation: "GetServiceStatus", args: "health", stdout: "yes\n"},
		{operation: "SendToAll", args: "send all hello", hears: message("text", `"hello"`)},
		{operation: "SendToGroup", args: "send group lobby hello", hears: `{"type":"message","from":"group","group":"lobby","fromUserId":null,"dataType":"text","data":"hello"}`},
		{operation: "SendToUser", args: "send user ann @" + file, hears: message("text", `"a file"`)},
		{operation: "SendToConnection", args: "send connection CONNECTION - --type binary", stdin: "\x00\xff", hears: message("binary", `"AP8="`)},
		{operation: "ConnectionExists", args: "connection exists CONNECTION", stdout: "yes\n"},
		{operation: "ConnectionExists", args: "connection exists nobody", stdout: "no\n", code: 1},
		{operation: "ConnectionExists", args: "connection exists nobody -o json", stdout: "{\n  \"exists\": false\n}\n", code: 1},
		{operation: "UserExists", args: "user exists ann", stdout: "yes\n"},
		{operation: "UserExists", args: "user exists ben", stdout: "no\n", code: 1},
		{operation: "GroupExists", args: "group exists lobby -o json", stdout: "{\n  \"exists\": true\n}\n"},
		{operation: "GroupExists", args: "group exists nowhere", stdout: "no\n", code: 1},
		{operation: "AddUserToGroup", args: "group add news --user ann", group: "news"},
		{operation: "AddConnectionToGroup", args: "group add news --connection CONNECTION", group: "news"},
		{operation: "AddConnectionsToGroups", args: "group add news more --filter userId|eq|'ann'", group: "more"},
		{operation: "RemoveUserFromGroup", args: "group remove lobby --user ann", group: "!lobby"},
		{operation: "RemoveConnectionFromGroup", args: "group remove lobby --connection CONNECTION", group: "!lobby"},
		{operation: "RemoveConnectionsFromGroups", args: "group remove lobby news --filter true", group: "!lobby"},
		{operation: "RemoveUserFromAllGroups", args: "user leave-groups ann", group: "!lobby"},
		{operation: "RemoveConnectionFromAllGroups", args: "connection leave-groups CONNECTION", group: "!lobby"},
		{operation: "ListConnectionsInGroup", args: "group list lobby", stdout: "CONNECTION\tann\n"},
		{operation: "ListConnectionsInGroup", args: "group list lobby -o json", stdout: "{\"connectionId\":\"CONNECTION\",\"userId\":\"ann\"}\n"},
		{operation: "ListConnectionsInGroup", args: "group list nowhere"},
		{operation: "CheckPermission", args: "permission check sendToGroup --connection CONNECTION --group news", stdout: "no\n", code: 1},
		{operation: "GrantPermission", args: "permission grant sendToGroup --connection CONNECTION --group news"},
		{operation: "CheckPermission", prepare: "permission grant JoinLeaveGroup --connection CONNECTION --group news", args: "permission check joinLeaveGroup --connection CONNECTION --group news -o json", stdout: "{\n  \"granted\": true\n}\n"},
		{operation: "RevokePermission", args: "permission revoke sendToGroup --connection CONNECTION --group news"},
		{operation: "CloseConnection", args: "connection close CONNECTION --reason enough", closed: "enough"},
		{operation: "CloseAllConnections", args: "connection close --all --reason enough", closed: "enough"},
		{operation: "CloseUserConnections", args: "user close ann --reason enough", closed: "enough"},
		{operation: "CloseGroupConnections", args: "group close lobby --reason enough", closed: "enough"},
	}
	tried := map[string]bool{"GenerateClientToken": true} // by TestConnectWithEntra
	for _, tt := range tests {
		tried[tt.operation] = true
		t.Run(tt.args, func(t *testing.T) {
			t.Parallel()
			s := callService(t, emulator.Config{})
			if tt.prepare != "" {
				s.run(tt.prepare, "", "", 0)
			}
			s.reset()
			s.run(tt.args, tt.stdin, tt.stdout, tt.code)
			assert.Equal(t, []string{tt.operation}, s.reset())
			switch {
			case tt.hears != "":
				assert.Equal(t, tt.hears, readFrame(t, s.conn))
			case tt.closed != "":
				s.isClosed(tt.closed)
			case tt.group != "":
				group, out := strings.CutPrefix(tt.group, "!")
				assert.Equal(t, !out, slices.Contains(s.members(group), s.id))
			}
		})
	}
	table, err := os.ReadFile("../../docs/service.md")
	require.NoError(t, err)
	documented := map[string]bool{}
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		for name := range strings.FieldsSeq(cmd.Annotations[cli.Operations]) {
			documented[name] = true
			assert.Regexp(t, `\| `+name+" \\| `"+cmd.CommandPath()+"( --[a-z]+)?` \\|", string(table), "docs/service.md")
		}
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(cli.Root(environment(nil)))
	for _, name := range restOperations {
		assert.True(t, tried[name], "%s is not tried", name)
		assert.True(t, documented[name], "%s has no command", name)
	}
	assert.Len(t, documented, 25)
}
