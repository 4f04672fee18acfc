package webpubsub_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestUE56ConnectedRunsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	var order []string
	var got *webpubsub.ConnectedEvent
	h := wireHandler(t, webpubsub.Config{OnConnected: func(ctx context.Context, ev *webpubsub.ConnectedEvent) error {
		got = ev
		require.NoError(t, ctx.Err())
		order = append(order, "function")
		return nil
	}})
	w := &orderedWriter{header: http.Header{}, order: &order}
	h.ServeHTTP(w, wireRequest(t, "connected", wireHeader("ce-connectionState", "eyJrIjoxfQ==")))
	assert.Equal(t, []string{"function", "No Content"}, order)
	require.NotNil(t, got)
	assert.Equal(t, "1", got.ID)
	assert.Equal(t, "connected", got.EventName)
	assert.Equal(t, "vic", got.UserID)
	assert.Equal(t, "eyJrIjoxfQ==", got.RawState)
}

// orderedWriter notes when the status is written.
type orderedWriter struct {
	header http.Header
	order  *[]string
}

func (w *orderedWriter) Header() http.Header         { return w.header }
func (w *orderedWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *orderedWriter) WriteHeader(status int) {
	*w.order = append(*w.order, http.StatusText(status))
}

func TestUE56PanicOfANotificationIsAnswered(t *testing.T) {
	t.Parallel()
	resp := serveFixture(t, webpubsub.Config{OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error { panic("boom") }}, "connected")
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
	assert.Equal(t, "Internal Server Error", wireText(t, resp))
}

func TestUE57ConnectedBodyDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", "null", "nope", "[1]"} {
		called := 0
		resp := serveFixture(t, webpubsub.Config{OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error {
			called++
			return nil
		}}, "connected", wireBody(body))
		assert.Equal(t, http.StatusNoContent, resp.StatusCode, body)
		assert.Equal(t, 1, called, body)
	}
}

func TestUE58DisconnectedReason(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"reason":"bye"}`:           "bye",
		`{"reason":"再见","new":true}`: "再见",
		`{"reason":""}`:              "",
		`{"reason":null}`:            "",
		`{}`:                         "",
		`null`:                       "",
		``:                           "",
	} {
		ev := receive[*webpubsub.DisconnectedEvent](t, "disconnected", wireBody(body))
		assert.Equal(t, want, ev.Reason, body)
		assert.Nil(t, ev.MQTTDisconnect, body)
		assert.Equal(t, "disconnected", ev.EventName)
	}
}

func TestUE58DisconnectedBodiesThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"nope", "[]", "1", `{"reason":1}`, `{"mqtt":[]}`, "{"} {
		resp := serveFixture(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}}, "disconnected", wireBody(body))
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode, body)
		assert.Equal(t, "body of the disconnected event cannot be decoded", wireText(t, resp), body)
	}
}

func TestUE59GroupJoined(t *testing.T) {
	t.Parallel()
	var got []*webpubsub.GroupJoinedEvent
	resp := serveFixture(t, webpubsub.Config{
		OnGroupJoined: func(_ context.Context, ev *webpubsub.GroupJoinedEvent) error { got = append(got, ev); return nil },
		OnGroupLeft:   func(context.Context, *webpubsub.GroupLeftEvent) error { t.Error("OnGroupLeft was called"); return nil },
	}, "joined", wireHeader("ce-userId", "user1"))
	assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.Len(t, got, 1)
	assert.Equal(t, "group1", got[0].Group)
	assert.Equal(t, wireConnectionID, got[0].ConnectionID)
	assert.Equal(t, "joined", got[0].EventName)
	assert.Equal(t, wireHub, got[0].Hub)
	assert.Equal(t, "user1", got[0].UserID)
}

func TestUE60GroupLeftOfAnonymous(t *testing.T) {
	t.Parallel()
	var got []*webpubsub.GroupLeftEvent
	resp := serveFixture(t, webpubsub.Config{
		OnGroupLeft: func(_ context.Context, ev *webpubsub.GroupLeftEvent) error { got = append(got, ev); return nil },
		OnGroupJoined: func(context.Context, *webpubsub.GroupJoinedEvent) error {
			t.Error("OnGroupJoined was called")
			return nil
		},
	}, "left", wireHeader("ce-userId"))
	assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.Len(t, got, 1)
	assert.Equal(t, "group1", got[0].Group)
	assert.Equal(t, "left", got[0].EventName)
	assert.Empty(t, got[0].UserID)
}

func TestUE61GroupEventOfAnotherHub(t *testing.T) {
	t.Parallel()
	for _, fixture := range []string{"joined", "left"} {
		called := map[string]int{}
		resp := serveFixture(t, everyFunction(called), fixture, wireHeader("ce-hub", "other"))
		assert.Equal(t, http.StatusNotFound, resp.StatusCode)
		assert.Contains(t, wireText(t, resp), `"other"`)
		assert.Empty(t, called)
	}
}

func TestGroupBodiesThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, fixture := range []string{"joined", "left"} {
		for _, body := range []string{"", "nope", "null", "{}", `{"group":""}`, `{"group":null}`, `{"group":1}`, `[]`} {
			resp := serveFixture(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}}, fixture, wireBody(body))
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode, body)
			assert.Equal(t, "body of the group presence event cannot be decoded", wireText(t, resp), body)
		}
	}
}

// Each function of a notification decides the answer by its error alone.
func TestErrorsOfNotifications(t *testing.T) {
	t.Parallel()
	functions := map[string]func(error) webpubsub.Config{
		"connected": func(err error) webpubsub.Config {
			return webpubsub.Config{OnConnected: func(context.Context, *webpubsub.ConnectedEvent) error { return err }}
		},
		"disconnected": func(err error) webpubsub.Config {
			return webpubsub.Config{OnDisconnected: func(context.Context, *webpubsub.DisconnectedEvent) error { return err }}
		},
		"joined": func(err error) webpubsub.Config {
			return webpubsub.Config{OnGroupJoined: func(context.Context, *webpubsub.GroupJoinedEvent) error { return err }}
		},
		"left": func(err error) webpubsub.Config {
			return webpubsub.Config{OnGroupLeft: func(context.Context, *webpubsub.GroupLeftEvent) error { return err }}
		},
	}
	for fixture, config := range functions {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			assertGolden(t, "notification_seen", serveFixture(t, config(nil), fixture))
			assertGolden(t, "notification_later", serveFixture(t, config(webpubsub.Unavailable("later")), fixture))
			assertGolden(t, "notification_failed", serveFixture(t, config(errors.New("secret")), fixture))
		})
	}
}
