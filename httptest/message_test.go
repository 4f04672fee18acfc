package httptest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/httptest"
)

func TestUE75To77UserAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		contentType, body string
		want              *httptest.Message
		unusable          bool
	}{
		"75 text":        {contentType: "text/plain", body: "hi", want: &httptest.Message{DataType: webpubsub.DataText, ContentType: "text/plain", Data: []byte("hi")}},
		"76 JSON":        {contentType: "application/json", body: `{"answer":42}`, want: &httptest.Message{DataType: webpubsub.DataJSON, ContentType: "application/json", Data: []byte(`{"answer":42}`)}},
		"76 binary":      {contentType: "application/octet-stream", body: "\x00", want: &httptest.Message{DataType: webpubsub.DataBinary, ContentType: "application/octet-stream", Data: []byte{0}}},
		"76 no type":     {body: "\x00", want: &httptest.Message{DataType: webpubsub.DataBinary, Data: []byte{0}}},
		"77 unsupported": {contentType: "unsupported/type", body: "x", unusable: true},
		"77 and empty":   {contentType: "unsupported/type"},
		"empty":          {contentType: "text/plain"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, afterConnect(func(w http.ResponseWriter, n int) {
				w.Header().Set("ce-connectionState", "new")
				answers(200, test.contentType, test.body).answer(w, n)
			}))
			got, err := conn.SendText(t.Context(), "message", "hello")
			state, ok := conn.State()
			if test.unusable {
				var invalid *httptest.InvalidAnswerError
				require.ErrorAs(t, err, &invalid)
				assert.Equal(t, "message", invalid.Event)
				assert.False(t, ok, "the state of an answer that fails is dropped")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
			assert.Equal(t, "new", state)
		})
	}
}

func TestUE78RejectedUserEvent(t *testing.T) {
	t.Parallel()
	h := afterConnect(func(w http.ResponseWriter, n int) {
		w.Header().Set("ce-connectionState", fmt.Sprint(n))
		w.Header().Set("X-WebPubSub-Metadata-a", "1")
		if n == 2 {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	conn := connect(t, h)
	msg, err := conn.SendText(t.Context(), "message", "hello")
	assert.Nil(t, msg)
	var rejected *httptest.RejectedError
	require.ErrorAs(t, err, &rejected)
	assert.Equal(t, 400, rejected.Status)
	_, ok := conn.State()
	assert.False(t, ok)

	msg, err = conn.SendText(t.Context(), "message", "hello")
	require.NoError(t, err)
	assert.NotContains(t, h.seen[2].Header, "Ce-Connectionstate")
	assert.Equal(t, &httptest.Message{DataType: webpubsub.DataText, Metadata: map[string]string{"a": "1"}}, msg)
	state, _ := conn.State()
	assert.Equal(t, "3", state)
}

func TestSentPayloads(t *testing.T) {
	t.Parallel()
	h := new(script)
	conn := connect(t, h)
	_, err := conn.SendText(t.Context(), "message", "héllo")
	require.NoError(t, err)
	_, err = conn.SendJSON(t.Context(), "say.it", map[string]int{"a": 1})
	require.NoError(t, err)
	_, err = conn.SendBinary(t.Context(), "bytes", []byte{0, 255})
	require.NoError(t, err)
	_, err = conn.Send(t.Context(), "proto", httptest.Message{DataType: webpubsub.DataProtobuf, Data: []byte("p"), Metadata: map[string]string{"trace": "1"}})
	require.NoError(t, err)
	_, err = conn.Send(t.Context(), "own", httptest.Message{ContentType: "TEXT/plain", Data: []byte("x")})
	require.NoError(t, err)
	var got []string
	for _, r := range h.seen[1:] {
		got = append(got, strings.Join([]string{r.Header.Get("ce-eventName"), r.Header.Get("Content-Type"), r.Body, r.Header.Get("X-WebPubSub-Metadata-Trace")}, "|"))
	}
	assert.Equal(t, []string{
		"message|text/plain; charset=utf-8|héllo|",
		`say.it|application/json|{"a":1}|`,
		"bytes|application/octet-stream|\x00\xff|",
		"proto|application/x-protobuf|p|1",
		"own|TEXT/plain|x|",
	}, got)

	_, err = conn.SendText(t.Context(), "", "x")
	require.Error(t, err)
	_, err = conn.SendJSON(t.Context(), "message", func() {})
	require.Error(t, err)
	var delivery *httptest.DeliveryError
	_, err = conn.SendText(t.Context(), "a\nb", "x")
	require.ErrorAs(t, err, &delivery)
	assert.Len(t, h.seen, 6, "nothing of these is sent")
}

// TestProtobufBothWays sends a protobuf message to a handler and receives another.
func TestProtobufBothWays(t *testing.T) {
	t.Parallel()
	h, err := webpubsub.NewHandler(webpubsub.Config{
		Verifier: webpubsub.InsecureSkipVerify{},
		UserEvents: map[string]webpubsub.UserEventFunc{
			"echo": func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
				typeURL, value, err := ev.DecodeProtobuf()
				return webpubsub.ProtobufReply(typeURL+".Reply", append(value, 3)), err
			},
			"text": webpubsub.Text(func(context.Context, *webpubsub.UserEvent, string) (string, error) { return "hi", nil }),
		},
	})
	require.NoError(t, err)
	conn := connect(t, h)
	m, err := conn.SendProtobuf(t.Context(), "echo", "example.com/chat.Said", []byte{8, 1})
	require.NoError(t, err)
	assert.Equal(t, webpubsub.DataProtobuf, m.DataType)
	typeURL, value, err := m.ProtobufMessage()
	require.NoError(t, err)
	assert.Equal(t, "example.com/chat.Said.Reply", typeURL)
	assert.Equal(t, []byte{8, 1, 3}, value)

	bad := connect(t, afterConnect(func(w http.ResponseWriter, _ int) {
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write([]byte("{}"))
	}))
	_, err = bad.SendText(t.Context(), "echo", "x")
	var invalid *httptest.InvalidAnswerError
	require.ErrorAs(t, err, &invalid)
	require.ErrorContains(t, err, `Content-Type is "application/x-protobuf", but the body is not a serialized google.protobuf.Any`)

	m, err = conn.SendText(t.Context(), "text", "x")
	require.NoError(t, err)
	_, _, err = m.ProtobufMessage()
	require.EqualError(t, err, "httptest: message is text, want protobuf")
	_, _, err = (&httptest.Message{DataType: webpubsub.DataProtobuf, Data: []byte("{}")}).ProtobufMessage()
	require.EqualError(t, err, "httptest: decode message: not a serialized google.protobuf.Any")
}

func TestMessageJSON(t *testing.T) {
	t.Parallel()
	var v struct{ A int }
	require.NoError(t, (&httptest.Message{DataType: webpubsub.DataJSON, Data: []byte(`{"a":1}`)}).JSON(&v))
	assert.Equal(t, 1, v.A)
	require.Error(t, (&httptest.Message{DataType: webpubsub.DataText, Data: []byte(`{"a":1}`)}).JSON(&v))
	require.Error(t, (&httptest.Message{DataType: webpubsub.DataJSON, Data: []byte(`{`)}).JSON(&v))
}
