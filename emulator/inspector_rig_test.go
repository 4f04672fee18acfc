package emulator_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
)

// inspection is an emulator with an inspector, and the page's side of its API.
type inspection struct {
	t     *testing.T
	emu   *emulator.TestServer
	http  *http.Client
	token string
}

func newInspection(t *testing.T, cfg emulator.Config) *inspection {
	t.Helper()
	if cfg.Inspector == nil {
		cfg.Inspector = &emulator.Inspector{}
	}
	emu := emulator.Start(t, cfg)
	_, token, found := strings.Cut(emu.InspectorURL(emu.Endpoint), "/inspector/#token=")
	require.True(t, found)
	return &inspection{t, emu, dialer(t), token}
}

// request returns a request of the page.
func (i *inspection) request(method, path, body string) *http.Request {
	i.t.Helper()
	req, err := http.NewRequestWithContext(i.t.Context(), method, i.emu.Endpoint+"/inspector/"+path, strings.NewReader(body))
	require.NoError(i.t, err)
	req.Header.Set("Inspector-Token", i.token)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

func (i *inspection) do(req *http.Request) (status int, body string, header http.Header) {
	i.t.Helper()
	resp, err := i.http.Do(req)
	require.NoError(i.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(i.t, err)
	return resp.StatusCode, string(data), resp.Header
}

func (i *inspection) get(path string) (status int, body string) {
	i.t.Helper()
	status, body, _ = i.do(i.request(http.MethodGet, path, ""))
	return status, body
}

// act performs an action and returns the answer.
func (i *inspection) act(name, body string) (status int, answer map[string]any) {
	i.t.Helper()
	status, text, _ := i.do(i.request(http.MethodPost, "actions/"+name, body))
	require.NoError(i.t, json.Unmarshal([]byte(text), &answer), "%s", text)
	return status, answer
}

// connect connects a client of hub chat and returns it with its connected frame.
func (i *inspection) connect(opts *emulator.ClientOptions, subprotocol string, header http.Header) *peer {
	i.t.Helper()
	conn, _, err := websocket.Dial(i.t.Context(), i.emu.ClientURL("chat", opts), &websocket.DialOptions{
		HTTPClient: i.http, HTTPHeader: header, Subprotocols: []string{subprotocol},
	})
	require.NoError(i.t, err)
	i.t.Cleanup(func() { _ = conn.CloseNow() })
	p := &peer{t: i.t, conn: conn}
	if strings.HasPrefix(subprotocol, "json.") {
		p.greeting = p.next()
	}
	return p
}

// stream is a reader of the records.
type stream struct {
	t    *testing.T
	body *bufio.Reader
	seen []inspect.Record // that no find has returned

	shared inspect.Record // the last one with a frame
}

// stream opens a stream and reads the hello.
func (i *inspection) stream(after string) (s *stream, hello string) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), time.Minute) // a record that does not come fails the test
	i.t.Cleanup(cancel)
	resp, err := i.http.Do(i.request(http.MethodGet, "records?after="+after, "").WithContext(ctx))
	require.NoError(i.t, err)
	i.t.Cleanup(func() { _ = resp.Body.Close() })
	require.Equal(i.t, http.StatusOK, resp.StatusCode)
	require.Equal(i.t, "text/event-stream", resp.Header.Get("Content-Type"))
	s = &stream{t: i.t, body: bufio.NewReader(resp.Body)}
	name, _, data := s.next()
	require.Equal(i.t, "hello", name)
	return s, data
}

// next returns the next event. A record has no name.
func (s *stream) next() (name, id, data string) {
	s.t.Helper()
	for {
		line, err := s.body.ReadString('\n')
		require.NoError(s.t, err)
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "event":
			name = value
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if data != "" {
				return name, id, data
			}
		}
	}
}

// find returns the first record that matches and that it has not returned.
func (s *stream) find(matches func(r *inspect.Record) bool) inspect.Record {
	s.t.Helper()
	for n := 0; ; n++ {
		if n == len(s.seen) {
			s.read()
		}
		if r := s.seen[n]; matches(&r) {
			s.seen = slices.Delete(s.seen, n, n+1)
			return r
		}
	}
}

// read adds the next record to those seen.
func (s *stream) read() {
	s.t.Helper()
	for {
		name, id, data := s.next()
		if name != "" {
			continue
		}
		var r struct {
			inspect.Record
			SameFrame uint64 `json:"sameFrame"`
		}
		require.NoError(s.t, json.Unmarshal([]byte(data), &r), "%s", data)
		require.NotEmpty(s.t, id)
		if r.SameFrame != 0 {
			require.Equal(s.t, s.shared.N, r.SameFrame)
			require.Nil(s.t, r.Frame)
			r.Frame = s.shared.Frame
		} else if r.Frame != nil {
			s.shared = r.Record
		}
		s.seen = append(s.seen, r.Record)
		return
	}
}

// kind finds a record of a kind.
func (s *stream) kind(kind string) inspect.Record {
	s.t.Helper()
	return s.find(func(r *inspect.Record) bool { return r.Kind == kind })
}

// event finds an event of a name.
func (s *stream) event(name string) inspect.Record {
	s.t.Helper()
	return s.find(func(r *inspect.Record) bool { return r.Event != nil && r.Event.Name == name })
}
