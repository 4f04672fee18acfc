package webpubsub_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
)

func TestRepeatedHeadersOfAnEventAreRefused(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"ce-specversion", "ce-type", "ce-source", "ce-id", "ce-time", "ce-userId", "ce-connectionId", "ce-hub",
		"ce-eventName", "ce-subprotocol", "ce-connectionState", "ce-physicalConnectionId", "ce-sessionId", "Content-Type",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := wireHandler(t, webpubsub.Config{Interceptors: []webpubsub.Interceptor{mustNotRun(t)}})
			r := wireRequest(t, "mqtt_publish", unreadableBody(t))
			v := r.Header.Get(name)
			wireHeader(name, v, v)(r)
			resp := wireServe(h, r)
			assert.Equal(t, http.StatusBadRequest, resp.StatusCode, "even if both lines are equal")
			assert.Contains(t, wireText(t, resp), name)
		})
	}
}

func TestUE116UserIDIsNotPercentDecoded(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"用户", "a%20b", "a b", "%E7%94%A8", "", "a,b", `"quoted"`} {
		var got *webpubsub.ConnectedEvent
		h := wireHandler(t, webpubsub.Config{OnConnected: func(_ context.Context, ev *webpubsub.ConnectedEvent) error {
			got = ev
			return nil
		}})
		resp := wireServe(h, wireRequest(t, "connected", wireHeader("ce-userId", id)))
		assert.Equal(t, http.StatusNoContent, resp.StatusCode)
		require.NotNil(t, got)
		assert.Equal(t, id, got.UserID)
	}
}

func TestUE117LowerCaseHeaderNames(t *testing.T) {
	t.Parallel()
	var got []*webpubsub.UserEvent
	h := wireHandler(t, webpubsub.Config{Fallback: func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		got = append(got, ev)
		return webpubsub.Reply{}, nil
	}})
	for _, fixture := range []string{"user_text", "user_lower_case_headers"} {
		assert.Equal(t, http.StatusNoContent, wireServe(h, wireRequest(t, fixture)).StatusCode)
	}
	require.Len(t, got, 2)
	assert.Equal(t, got[0].RequestHeader, got[1].RequestHeader)
	assert.Equal(t, got[0].UserID, got[1].UserID)
	assert.Equal(t, got[0].Origin, got[1].Origin)
}
