package main

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/go-webpubsub/webpubsub/examples/chat/app"
	"github.com/go-webpubsub/webpubsub/redis"
)

// history is the last messages of rooms, in Redis: a stream for each room.
type history struct{ *redis.History }

// Add implements [app.History]. The id of a message names its event, so that an event
// that is handled twice adds one message.
func (h history) Add(ctx context.Context, said app.Notice) error {
	data, err := json.Marshal(said)
	if err != nil {
		return err
	}
	_, err = h.AppendOnce(ctx, said.Room, said.ID, data)
	return err
}

// Last implements [app.History].
func (h history) Last(ctx context.Context, room string) ([]app.Notice, error) {
	entries, err := h.History.Last(ctx, room, app.MaxNotices)
	if err != nil {
		return nil, err
	}
	var out []app.Notice
	size := 0
	for _, e := range slices.Backward(entries) {
		if size += len(e.Data); size > app.MaxBytes {
			break
		}
		var said app.Notice
		if err := json.Unmarshal(e.Data, &said); err != nil {
			return nil, err
		}
		out = append(out, said)
	}
	slices.Reverse(out)
	return out, nil
}
