package webpubsub_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/go-webpubsub/webpubsub"
)

// TestProtobuf answers a message of Google's library with another one.
func TestProtobuf(t *testing.T) {
	t.Parallel()
	twice := func(_ context.Context, ev *webpubsub.UserEvent) (webpubsub.Reply, error) {
		typeURL, value, err := ev.DecodeProtobuf()
		if err != nil {
			return webpubsub.Reply{}, err
		}
		var in durationpb.Duration
		if typeURL != "type.googleapis.com/google.protobuf.Duration" || proto.Unmarshal(value, &in) != nil {
			return webpubsub.Reply{}, webpubsub.BadRequest("want a duration")
		}
		value, err = proto.Marshal(durationpb.New(2 * in.AsDuration()))
		return webpubsub.ProtobufReply(typeURL, value), err
	}
	encode := func(m proto.Message) string {
		a, err := anypb.New(m)
		require.NoError(t, err)
		b, err := proto.Marshal(a)
		require.NoError(t, err)
		return string(b)
	}
	for _, tt := range []struct {
		name, contentType, body string
		want                    int
		answer                  string
	}{
		{"message", "application/x-protobuf", encode(durationpb.New(time.Minute)), 200, encode(durationpb.New(2 * time.Minute))},
		{"of another type", "application/x-protobuf", encode(&anypb.Any{}), 400, "want a duration"},
		{"no type", "application/x-protobuf", "", 400, "want a duration"},
		{"not an Any", "application/x-protobuf", `{"a":1}`, 400, "protobuf payload cannot be decoded"},
		{"type URL that is not UTF-8", "application/x-protobuf", "\x0a\x01\xff", 400, "protobuf payload cannot be decoded"},
		{"JSON", "application/json", `{"a":1}`, 415, "event payload is json, want application/x-protobuf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp := serveFixture(t, withFallback(twice), "user_text", contentType(tt.contentType), wireBody(tt.body))
			assert.Equal(t, tt.want, resp.StatusCode)
			assert.Equal(t, tt.answer, wireText(t, resp))
			if tt.want == http.StatusOK {
				assert.Equal(t, "application/x-protobuf", resp.Header.Get("Content-Type"))
			}
		})
	}
}
