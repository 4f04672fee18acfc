package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

func TestOperationsInvalid(t *testing.T) {
	t.Parallel()
	f := func(c *client.Client) []error {
		long := strings.Repeat("é", 1024)
		var out []error
		add := func(_ any, err error) { out = append(out, err) }
		join := func(group string) { add(c.JoinGroup(t.Context(), group, nil)) }
		send := func(d client.Data, o *client.SendOptions) { add(c.SendToGroup(t.Context(), "g", d, o)) }
		event := func(name string) { add(c.SendEvent(t.Context(), name, client.Text(""), nil)) }
		join("")
		join(" \t")
		join(long + "x")
		join("\xff")
		add(c.LeaveGroup(t.Context(), "", nil))
		add(c.SendToGroup(t.Context(), "", client.Text(""), nil))
		send(client.Data{}, nil)
		send(client.Text("\xff"), nil)
		send(client.JSON(nil), nil)
		send(client.JSON(func() {}), nil)
		send(client.RawJSON([]byte(" null ")), nil)
		send(client.RawJSON([]byte(`{"a":}`)), nil)
		send(client.RawJSON([]byte("")), nil)
		send(client.RawJSON([]byte("1 2")), nil)
		send(client.RawJSON([]byte("\"\xff\"")), nil)
		send(client.Text(""), &client.SendOptions{TTL: -time.Second})
		send(client.Text(""), &client.SendOptions{TTL: 301 * time.Second})
		send(client.Text(""), &client.SendOptions{TTL: time.Millisecond})
		send(client.Text(""), &client.SendOptions{Metadata: map[string]string{"a b": ""}})
		send(client.Text(""), &client.SendOptions{Metadata: map[string]string{"": ""}})
		send(client.Text(""), &client.SendOptions{Metadata: map[string]string{"a": "é"}})
		send(client.Text(""), &client.SendOptions{Metadata: map[string]string{"a": strings.Repeat("x", 1025)}})
		send(client.Text(""), &client.SendOptions{Metadata: metadata(9)})
		event("")
		event("1a")
		event("a b")
		event("a/b")
		event(strings.Repeat("a", 129))
		add(c.SendEvent(t.Context(), "e", client.Data{}, nil))
		add(c.SendEvent(t.Context(), "e", client.Text(""), &client.EventOptions{Metadata: map[string]string{"\n": ""}}))
		add(c.InvokeEvent(t.Context(), "", client.Text(""), nil))
		add(c.InvokeEvent(t.Context(), "e", client.JSON(nil), nil))
		add(c.InvokeEvent(t.Context(), "e", client.Text(""), &client.InvokeOptions{InvocationID: "\xff"}))
		add(c.OpenGroupStream(t.Context(), "", nil))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{IdleTimeout: -1}))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{IdleTimeout: time.Microsecond}))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{IdleTimeout: 50 * 24 * time.Hour}))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{Window: -1}))
		add(c.OpenGroupStream(t.Context(), "g", &client.StreamWriterOptions{StreamID: "\xff"}))
		return out
	}
	group := `: want 1 to 1024 characters of UTF-8, not blank, without line feed`
	event := `: want a letter, then at most 127 letters, digits or characters of _.-`
	cut := strings.Repeat("é", 64) + "…"
	want := []string{
		`JoinGroup: group ""` + group,
		`JoinGroup: group " \t"` + group,
		`JoinGroup: group "` + cut + `"` + group,
		`JoinGroup: group "\xff"` + group,
		`LeaveGroup: group ""` + group,
		`SendToGroup: group ""` + group,
		`SendToGroup: Data is empty, want one of Text, JSON, RawJSON, Binary and Protobuf`,
		`SendToGroup: text is not UTF-8; use Binary for other bytes`,
		`SendToGroup: JSON payload is null, which the service rejects`,
		`SendToGroup: encode func(): json: unsupported type: func()`,
		`SendToGroup: JSON payload is null, which the service rejects`,
		`SendToGroup: raw JSON: offset 5: want a value`,
		`SendToGroup: raw JSON: text ends at offset 0: want a value`,
		`SendToGroup: raw JSON: offset 2: want nothing after the value`,
		`SendToGroup: JSON payload is not UTF-8`,
		`SendToGroup: TTL is -1s, want whole seconds from 0 to 5m0s`,
		`SendToGroup: TTL is 5m1s, want whole seconds from 0 to 5m0s`,
		`SendToGroup: TTL is 1ms, want whole seconds from 0 to 5m0s`,
		`SendToGroup: metadata name "a b": want an HTTP token of 1 to 256 bytes`,
		`SendToGroup: metadata name "": want an HTTP token of 1 to 256 bytes`,
		`SendToGroup: metadata value of "a": want printable ASCII of at most 1024 bytes`,
		`SendToGroup: metadata value of "a": want printable ASCII of at most 1024 bytes`,
		`SendToGroup: metadata has 9009 bytes of names and values, want at most 8192`,
		`SendEvent: event ""` + event,
		`SendEvent: event "1a"` + event,
		`SendEvent: event "a b"` + event,
		`SendEvent: event "a/b"` + event,
		`SendEvent: event "` + strings.Repeat("a", 128) + `…"` + event,
		`SendEvent: Data is empty, want one of Text, JSON, RawJSON, Binary and Protobuf`,
		`SendEvent: metadata name "\n": want an HTTP token of 1 to 256 bytes`,
		`InvokeEvent: event ""` + event,
		`InvokeEvent: JSON payload is null, which the service rejects`,
		`InvokeEvent: invocation id "\xff": want at most 1024 characters of UTF-8`,
		`OpenGroupStream: group ""` + group,
		`OpenGroupStream: IdleTimeout is -1ns, want whole milliseconds from 0 to 4294967295`,
		`OpenGroupStream: IdleTimeout is 1µs, want whole milliseconds from 0 to 4294967295`,
		`OpenGroupStream: IdleTimeout is 1200h0m0s, want whole milliseconds from 0 to 4294967295`,
		`OpenGroupStream: Window is -1, want 0 or more`,
		`OpenGroupStream: stream id "\xff": want at most 1024 characters of UTF-8`,
	}
	c, err := client.New(client.StaticURL(fakeAddress), nil)
	require.NoError(t, err)
	var got []string
	for _, err := range f(c) {
		require.ErrorIs(t, err, client.ErrInvalid)
		got = append(got, strings.TrimPrefix(err.Error(), "client: "))
	}
	assert.Equal(t, want, got)
}

func metadata(n int) map[string]string {
	m := make(map[string]string)
	for i := range n {
		m[string(rune('a'+i))] = strings.Repeat("x", 1000)
	}
	return m
}
