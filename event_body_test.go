package webpubsub_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

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

func TestUE58InvalidDisconnectedBodies(t *testing.T) {
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

func TestInvalidGroupBodies(t *testing.T) {
	t.Parallel()
	for _, fixture := range []string{"joined", "left"} {
		for _, body := range []string{"", "nope", "null", "{}", `{"group":""}`, `{"group":null}`, `{"group":1}`, `[]`} {
			resp := serveFixture(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}}, fixture, wireBody(body))
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode, body)
			assert.Equal(t, "body of the group presence event cannot be decoded", wireText(t, resp), body)
		}
	}
}
