package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/httptest"
	"github.com/go-webpubsub/webpubsub/service"
)

// doors are functions that check a value before they send it, and the emulator. Each
// reports whether it accepts the value.
type doors map[string]func(t *testing.T) bool

// check compares what each door does with a value. The emulator accepts what the
// service does, which may be more than the others send.
func (d doors) check(t *testing.T, sent, accepted bool) {
	t.Helper()
	for name, accepts := range d {
		want := sent
		if name == "emulator" {
			want = accepted
		}
		assert.Equal(t, want, accepts(t), "accepted by %s", name)
	}
}

func TestGroupsAtEachDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Config{})
	realtime := offline(t)
	for _, tc := range []struct {
		name, group    string
		sent, accepted bool
	}{
		{"usual", "lobby", true, true},
		{"inner and outer spaces", " the lobby ", true, true},
		{"longest", strings.Repeat("g", 1024), true, true},
		{"longest in UTF-16", strings.Repeat("😀", 512), true, true},
		{"line feed", "a\nb", false, true},
		{"empty", "", false, false},
		{"blank", " \t\u2003", false, false},
		{"too long", strings.Repeat("g", 1025), false, false},
		{"too long in UTF-16", strings.Repeat("😀", 513), false, false},
		{"not UTF-8", "a\xff", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := doors{
				"groups of a connect reply": func(t *testing.T) bool {
					return connects(t, &webpubsub.ConnectReply{Groups: []string{tc.group}})
				},
				"roles of a connect reply": func(t *testing.T) bool {
					return connects(t, &webpubsub.ConnectReply{Roles: []string{webpubsub.RoleSendToGroup(tc.group)}})
				},
				"service": func(t *testing.T) bool {
					return isValid(w.client.Group(tc.group).SendText(t.Context(), "hi", nil), service.ErrInvalid)
				},
				"groups of a token": func(t *testing.T) bool {
					_, err := w.client.ClientAccess(t.Context(), &service.ClientAccessOptions{Groups: []string{tc.group}})
					return isValid(err, service.ErrInvalid)
				},
				"roles of a token": func(t *testing.T) bool {
					_, err := w.client.ClientAccess(t.Context(), &service.ClientAccessOptions{Roles: []string{service.RoleSendToGroup(tc.group)}})
					return isValid(err, service.ErrInvalid)
				},
				"JoinGroup": func(t *testing.T) bool {
					_, err := realtime.JoinGroup(t.Context(), tc.group, nil)
					return isValid(err, client.ErrInvalid)
				},
				"SendToGroup": func(t *testing.T) bool {
					_, err := realtime.SendToGroup(t.Context(), tc.group, client.Text("hi"), nil)
					return isValid(err, client.ErrInvalid)
				},
			}
			if strings.ToValidUTF8(tc.group, "") == tc.group { // else JSON cannot have it
				d["emulator"] = func(t *testing.T) bool {
					return w.answers(t, `{"type":"joinGroup","ackId":1,"group":`+quoted(t, tc.group)+`}`)
				}
			}
			d.check(t, tc.sent, tc.accepted)
		})
	}
}

func TestEventsAtEachDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Config{})
	realtime := offline(t)
	for event, want := range map[string]bool{
		"message": true, "Chat.say_it-7": true, strings.Repeat("e", 128): true,
		"": false, "1st": false, "a b": false, "a/b": false, "a\n": false, "\u212aick": false, strings.Repeat("e", 129): false,
	} {
		doors{
			"SendEvent": func(t *testing.T) bool {
				_, err := realtime.SendEvent(t.Context(), event, client.Text("hi"), nil)
				return isValid(err, client.ErrInvalid)
			},
			"InvokeEvent": func(t *testing.T) bool {
				_, err := realtime.InvokeEvent(t.Context(), event, client.Text("hi"), nil)
				return isValid(err, client.ErrInvalid)
			},
			"emulator": func(t *testing.T) bool {
				return w.answers(t, `{"type":"event","ackId":1,"event":`+quoted(t, event)+`,"dataType":"text","data":"hi"}`)
			},
		}.check(t, want, want)
	}
}

func TestUsersAtEachDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Config{})
	for user, want := range map[string]bool{"ana": true, "用户": true, "a\nb": false, "a\x00": false, "a\xff": false} {
		doors{
			"connect reply": func(t *testing.T) bool {
				return connects(t, &webpubsub.ConnectReply{UserID: user})
			},
			"token": func(t *testing.T) bool {
				_, err := w.client.ClientAccess(t.Context(), &service.ClientAccessOptions{UserID: user})
				return isValid(err, service.ErrInvalid)
			},
		}.check(t, want, want)
	}
}

func TestMetadataAtEachDoor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, emulator.Config{})
	realtime := offline(t)
	for _, tc := range []struct {
		name, key, value string
		header, frame    bool
	}{
		{"usual", "trace", "a b", true, true},
		{"empty value", "trace", "", true, true},
		{"longest", strings.Repeat("k", 256), strings.Repeat("v", 1024), true, true},
		{"comma", "trace", "1, 2", false, true},
		{"outer space", "trace", " 1", false, true},
		{"no name", "", "1", false, false},
		{"name is no token", "a:b", "1", false, false},
		{"long name", strings.Repeat("k", 257), "1", false, false},
		{"line feed", "trace", "1\nX: 2", false, false},
		{"not ASCII", "trace", "é", false, false},
		{"long value", "trace", strings.Repeat("v", 1025), false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			metadata := map[string]string{tc.key: tc.value}
			doors{ // as headers
				"reply": func(t *testing.T) bool {
					conn := connection(t, nil, webpubsub.Reply{Metadata: metadata})
					_, err := conn.SendText(t.Context(), "message", "hi")
					return isAccepted(t, err)
				},
				"service": func(t *testing.T) bool {
					return isValid(w.client.Group("g").SendText(t.Context(), "hi", &service.SendOptions{Metadata: metadata}), service.ErrInvalid)
				},
			}.check(t, tc.header, tc.header)
			doors{ // in frames
				"SendToGroup": func(t *testing.T) bool {
					_, err := realtime.SendToGroup(t.Context(), "g", client.Text("hi"), &client.SendOptions{Metadata: metadata})
					return isValid(err, client.ErrInvalid)
				},
				"SendEvent": func(t *testing.T) bool {
					_, err := realtime.SendEvent(t.Context(), "e", client.Text("hi"), &client.EventOptions{Metadata: metadata})
					return isValid(err, client.ErrInvalid)
				},
				"emulator": func(t *testing.T) bool {
					return w.answers(t, fmt.Sprintf(`{"type":"event","ackId":1,"event":"e","dataType":"text","data":"hi","metadata":{%s:%s}}`, quoted(t, tc.key), quoted(t, tc.value)))
				},
			}.check(t, tc.frame, tc.frame)
		})
	}
}

// offline returns a client that is not started: its operations check their arguments
// and then fail.
func offline(t *testing.T) *client.Client {
	t.Helper()
	c, err := client.New(client.StaticURL("ws://localhost/client/hubs/chat"), nil)
	require.NoError(t, err)
	return c
}

// connection connects to a handler with these answers. It returns nil if the handler
// refuses its own answer to the connect event.
func connection(t *testing.T, connect *webpubsub.ConnectReply, reply webpubsub.Reply) *httptest.Conn {
	t.Helper()
	h, err := webpubsub.NewHandler(webpubsub.Config{
		ConnectionStrings: []string{httptest.ConnectionString}, Logger: slog.New(slog.DiscardHandler),
		OnConnect: func(context.Context, *webpubsub.ConnectEvent) (*webpubsub.ConnectReply, error) { return connect, nil },
		Fallback:  func(context.Context, *webpubsub.UserEvent) (webpubsub.Reply, error) { return reply, nil },
	})
	require.NoError(t, err)
	conn, err := httptest.New(h, nil).Connect(t.Context(), nil)
	if !isAccepted(t, err) {
		return nil
	}
	return conn
}

func connects(t *testing.T, reply *webpubsub.ConnectReply) bool {
	t.Helper()
	return connection(t, reply, webpubsub.Reply{}) != nil
}

// isAccepted reports whether a handler has accepted its own answer.
func isAccepted(t *testing.T, err error) bool {
	t.Helper()
	if err != nil {
		require.Equal(t, 500, httptest.StatusOf(err), "%v", err)
	}
	return err == nil
}

func isValid(err, invalid error) bool { return !errors.Is(err, invalid) }

// answers reports whether the emulator answers a frame instead of closing the
// connection.
func (w *world) answers(t *testing.T, frame string) bool {
	t.Helper()
	access, err := w.client.ClientAccess(t.Context(), &service.ClientAccessOptions{Roles: []string{service.RoleJoinLeaveAnyGroup}})
	require.NoError(t, err)
	p := dial(t, access.URL())
	p.send(frame)
	return p.next()["type"] == "ack"
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	data, err := json.Marshal(s)
	require.NoError(t, err)
	return string(data)
}
