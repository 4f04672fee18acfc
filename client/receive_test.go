package client_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/service"
)

// TestHostileFrames checks that invalid frames are reported and have no other
// effect.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var errs []string
		c := f.client(&client.Options{OnError: func(_ context.Context, err error) { errs = append(errs, err.Error()) }})
		seen := record(c)
		p := f.start(c)
		p.send(
			`{"type":"unknown","data":null}`, `{"type":"message","from":"nobody","data":1}`, `{"type":"system","event":"later"}`, // unknown kinds
			`{"type":"ack","ackId":1,"success":true}`, `{"type":"invokeResponse","invocationId":"1","success":true}`, // no request waits
			`{"type":"streamAck","streamId":"x","expectedSequenceId":1}`, `{"type":"streamClosed","streamId":"x"}`,
			`{"type":"system","event":"connected","connectionId":"other","reconnectionToken":"stolen"}`,
		)
		synctest.Wait()
		assert.Empty(t, errs)
		bad := []string{``, `[]`, `{`, `{}`, `{"type":7}`, `{"type":"ack"}`, `{"type":"message","from":"server","dataType":"text"}`, `{"type":"message","from":"server","dataType":"binary","data":"*"}`, "{\"type\":\"\xff\"}", strings.Repeat(`[`, 2000)}
		p.send(bad...)
		require.NoError(t, p.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"pong"}`)))
		synctest.Wait()
		require.Len(t, errs, len(bad)+1)
		assert.Equal(t, "client: Receive: frame has the wrong WebSocket type", errs[len(bad)])
		p.drop()
		f.recovered("id-1")
		assert.Equal(t, []string{"connected ann", "recovering", "recovered"}, seen.settled())
	})
}

// TestFrameTooLarge checks that a connection with a frame that is too large is not
// recovered: the service would send the frame again.
func TestFrameTooLarge(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		c := f.client(nil)
		seen := record(c)
		p := f.start(c)
		pass(15 * time.Second)
		go func() { _ = p.conn.Write(t.Context(), websocket.MessageText, make([]byte, 7<<20)) }()
		p.ended(websocket.StatusMessageTooBig)
		f.greet("id-2")
		assert.Equal(t, []string{"connected ann", "disconnected", "connected ann"}, seen.settled())
	})
}

// deepJSON returns JSON with that many levels.
func deepJSON(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

// TestUndecodable checks that invalid messages are acknowledged, and reported once.
// The service keeps 1000 messages that are not acknowledged, closes the connection
// at the next one, and sends them again after each recovery.
func TestUndecodable(t *testing.T) {
	t.Parallel()
	message := func(rest string) func(int) string {
		return func(i int) string {
			return fmt.Sprintf(`{"sequenceId":%d,"type":"message","from":"group","group":"g",%s}`, i, rest)
		}
	}
	tests := map[string]struct {
		frame func(sequence int) string
		err   string
	}{
		"nested too deep":   {message(`"dataType":"json","data":` + deepJSON(1001)), "client: Receive: offset %d: want at most 1000 levels of nesting"},
		"not UTF-8":         {message("\"dataType\":\"text\",\"data\":\"\xff\""), "client: Receive: frame is not UTF-8"},
		"a member twice":    {message(`"group":"h","dataType":"text","data":""`), "client: Receive: offset %d: want each member once"},
		"not JSON":          {message(`"dataType":"json","data":NaN`), "client: Receive: offset %d: want a value"},
		"unknown data type": {message(`"dataType":"later","data":""`), "client: Receive: member dataType is missing or unknown"},
		"unknown sender":    {func(i int) string { return fmt.Sprintf(`{"sequenceId":%d,"type":"message","from":"later"}`, i) }, ""},
		"number at the end": {func(i int) string {
			return fmt.Sprintf(`{"type":"message","data":%s,"sequenceId":%d}`, deepJSON(1001), i)
		}, "client: Receive: offset 1025: want at most 1000 levels of nesting"},
		"no stream's number": {message(`"dataType":"text","data":"","stream":{"streamId":"s"}`), "client: Receive: the id of a stream is missing, or its sequence id is 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) {
				const count = 1100
				reported := new(recorder)
				f := newFake(t)
				c := f.client(&client.Options{KeepAliveInterval: -1, OnError: func(_ context.Context, err error) { reported.note(err.Error()) }})
				seen := record(c)
				p := f.start(c)
				acked := make(chan string, 100)
				go func() {
					for {
						_, data, err := p.conn.Read(t.Context())
						if err != nil {
							close(acked)
							return
						}
						acked <- string(data)
					}
				}()
				for i := range count {
					p.send(tt.frame(i + 1))
				}
				p.send(group(count+1, "after all"))
				pass(2 * time.Second)
				want := count
				if tt.err == "" {
					want = 0
				}
				errs := reported.settled()
				require.Len(t, errs, want)
				if want > 0 {
					if strings.Contains(tt.err, "%d") {
						assert.Regexp(t, "^"+strings.Replace(tt.err, "%d", `[0-9]+`, 1)+"$", errs[0])
					} else {
						assert.Equal(t, tt.err, errs[0])
					}
				}
				assert.Equal(t, []string{"connected ann", "g/bob: after all"}, seen.settled())
				p.drop()
				last := ""
				for frame := range acked {
					last = frame
				}
				assert.JSONEq(t, fmt.Sprintf(`{"type":"sequenceAck","sequenceId":%d}`, count+1), last)

				// A service that has lost the acks sends them again.
				p = f.recovered("id-1")
				go p.drain()
				for i := range 10 {
					p.send(tt.frame(count - 9 + i))
				}
				synctest.Wait()
				assert.Empty(t, reported.settled())
			})
		})
	}
}

// TestDepth checks that the client reads all JSON that the emulator accepts.
func TestDepth(t *testing.T) {
	t.Parallel()
	over(t, protocols, func(t *testing.T, p client.Protocol) {
		r := newRig(t, emulator.Config{}).over(p)
		ann, bob := r.started("ann", nil), r.started("bob", nil)
		_, err := ann.JoinGroup(t.Context(), "g", nil)
		require.NoError(t, err)
		seen := record(ann)
		var value any
		for range 1000 {
			value = []any{value}
		}
		opts := new(service.Options)
		opts.Transport = r.network.client()
		server, err := service.NewClientFromConnectionString(emulator.ConnectionString(base, emulator.DefaultAccessKey), "chat", opts)
		require.NoError(t, err)
		send := func(data client.Data) error {
			_, err := bob.SendToGroup(t.Context(), "g", data, nil)
			return err
		}
		full := strings.Repeat("[", 1000) + "null" + strings.Repeat("]", 1000)
		require.NoError(t, send(client.JSON(value)))
		require.NoError(t, send(client.RawJSON([]byte(full))))
		require.NoError(t, server.Group("g").SendJSON(t.Context(), value, nil))
		assert.Equal(t, []string{"g/" + from(p, "bob") + ": " + full, "g/" + from(p, "bob") + ": " + full, "g/: " + full}, seen.settled())

		require.ErrorIs(t, send(client.JSON([]any{value})), client.ErrInvalid)
		require.EqualError(t, send(client.JSON([]any{value})), "client: SendToGroup: encode []interface {}: offset 1000: want at most 1000 levels of nesting")
		require.EqualError(t, send(client.RawJSON([]byte("["+full+"]"))), "client: SendToGroup: raw JSON: offset 1000: want at most 1000 levels of nesting")
		err = server.Group("g").SendJSON(t.Context(), []any{value}, nil)
		var refused *service.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 400, refused.StatusCode)
		assert.Empty(t, seen.settled())
	})
}
