package redis_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/redis"
)

func newHistory(tb testing.TB, client rueidis.Client, limits redis.HistoryLimits) *redis.History {
	tb.Helper()
	h, err := redis.NewHistory(redis.Config{Client: client, Timeout: time.Minute}, limits)
	require.NoError(tb, err)
	return h
}

func appendTo(t *testing.T, h *redis.History, room string, data ...string) (ids []string) {
	t.Helper()
	for _, d := range data {
		e, err := h.Append(t.Context(), room, []byte(d))
		require.NoError(t, err)
		assert.Equal(t, d, string(e.Data))
		ids = append(ids, e.ID)
	}
	return ids
}

func last(t *testing.T, h *redis.History, room string, n int) []string {
	t.Helper()
	entries, err := h.Last(t.Context(), room, n)
	require.NoError(t, err)
	return dataOf(entries)
}

func dataOf(entries []redis.Entry) []string {
	var data []string
	for _, e := range entries {
		data = append(data, string(e.Data))
	}
	return data
}

func after(t *testing.T, h *redis.History, room, id string) ([]string, error) {
	t.Helper()
	var data []string
	for e, err := range h.After(t.Context(), room, id) {
		if err != nil {
			return data, err
		}
		data = append(data, string(e.Data))
	}
	return data, nil
}

// An age longer than the time since 1970, and than what an addition can round up, is an age.
func TestHistoryForever(t *testing.T) {
	t.Parallel()
	client := startServer(t).client(t)
	h := newHistory(t, client, redis.HistoryLimits{MaxAge: math.MaxInt64})
	appendTo(t, h, "r", "1", "2")
	advance(t, client, 24*time.Hour)
	assert.Equal(t, []string{"1", "2"}, last(t, h, "r", 9))
}

// testHistory checks what a history does on any server.
func testHistory(t *testing.T, client rueidis.Client) {
	t.Helper()
	h := newHistory(t, client, redis.HistoryLimits{MaxEntries: 4, MaxEntryBytes: 10})
	for _, room := range []string{"lobby", "}", "{a}b", "a b/ü%7D\x00", strings.Repeat("r", 3072)} {
		assert.Empty(t, last(t, h, room, 10))
		ids := appendTo(t, h, room, "1", "2", "", "\x00\xff", "5", "6")
		assert.Equal(t, []string{"", "\x00\xff", "5", "6"}, last(t, h, room, 10), "the first are dropped")
		assert.Equal(t, []string{"5", "6"}, last(t, h, room, 2))
		assert.Empty(t, last(t, h, room, 0))
		got, err := after(t, h, room, ids[3])
		require.NoError(t, err)
		assert.Equal(t, []string{"5", "6"}, got)
		got, err = after(t, h, room, ids[5])
		require.NoError(t, err)
		assert.Empty(t, got)
		_, err = after(t, h, room, ids[1])
		require.ErrorIs(t, err, redis.ErrEntryGone)

		first, err := h.AppendOnce(t.Context(), room, "event}", []byte("once"))
		require.NoError(t, err)
		again, err := h.AppendOnce(t.Context(), room, "event}", []byte("once"))
		require.NoError(t, err)
		assert.Equal(t, first, again)
		assert.Equal(t, []string{"6", "once"}, last(t, h, room, 2))

		_, err = h.Append(t.Context(), room, []byte("12345678901"))
		require.ErrorIs(t, err, redis.ErrEntryTooLong)
		_, err = h.AppendOnce(t.Context(), room, "k", []byte("12345678901"))
		require.ErrorIs(t, err, redis.ErrEntryTooLong)

		require.NoError(t, h.Delete(t.Context(), room))
		assert.Empty(t, last(t, h, room, 10))
		_, err = after(t, h, room, ids[5])
		require.ErrorIs(t, err, redis.ErrEntryGone)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	testHistory(t, startServer(t).client(t))
}

func TestHistoryOnMiniredis(t *testing.T) {
	t.Parallel()
	testHistory(t, newClient(t, "redis://"+miniredis.RunT(t).Addr()))
}

// Entries are ordered, and their times are those of the server.
func TestEntries(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	h := newHistory(t, newClient(t, "redis://"+m.Addr()), redis.HistoryLimits{})
	start := time.Date(2020, 1, 2, 3, 4, 5, 6e6, time.UTC)
	m.SetTime(start)
	first, err := h.Append(t.Context(), "r", []byte("1"))
	require.NoError(t, err)
	m.SetTime(start.Add(time.Second))
	second, err := h.Append(t.Context(), "r", []byte("2"))
	require.NoError(t, err)
	assert.True(t, first.Time.Equal(start))
	assert.True(t, second.Time.Equal(start.Add(time.Second)))
	entries, err := h.Last(t.Context(), "r", 5)
	require.NoError(t, err)
	assert.Equal(t, []redis.Entry{first, second}, entries)
}

// Old entries are dropped when others come, and not returned before that.
func TestHistoryAge(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	client := newClient(t, "redis://"+m.Addr())
	h := newHistory(t, client, redis.HistoryLimits{MaxAge: time.Minute})
	now := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	advance := func(d time.Duration) {
		now = now.Add(d)
		m.SetTime(now)
		m.FastForward(d)
	}
	advance(0)
	ids := appendTo(t, h, "r", "1", "2")
	advance(40 * time.Second)
	ids = append(ids, appendTo(t, h, "r", "3")...)
	assert.Equal(t, []string{"1", "2", "3"}, last(t, h, "r", 9))
	advance(40 * time.Second)
	assert.Equal(t, []string{"3"}, last(t, h, "r", 9), "the others are too old")
	got, err := after(t, h, "r", ids[0])
	require.NoError(t, err)
	assert.Equal(t, []string{"3"}, got)
	appendTo(t, h, "r", "4")
	n, err := do(t, client, "XLEN", "webpubsub:history:{r}").AsInt64()
	require.NoError(t, err)
	assert.EqualValues(t, 2, n, "the others are dropped")
	advance(time.Minute + time.Second)
	assert.Empty(t, m.Keys(), "a quiet room expires")
}

// A key of AppendOnce is forgotten after the service has given up its event.
func TestAppendOnceExpires(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	h := newHistory(t, newClient(t, "redis://"+m.Addr()), redis.HistoryLimits{})
	for range 2 {
		for range 2 {
			_, err := h.AppendOnce(t.Context(), "r", "event", []byte("1"))
			require.NoError(t, err)
		}
		m.FastForward(10*time.Minute + time.Second)
	}
	assert.Equal(t, []string{"1", "1"}, last(t, h, "r", 9))
}

// After reads long histories page by page, and a caller may stop.
func TestAfterPages(t *testing.T) {
	t.Parallel()
	h := newHistory(t, startServer(t).client(t), redis.HistoryLimits{})
	first := appendTo(t, h, "r", "first")
	var want []string
	for i := range 300 {
		want = append(want, fmt.Sprint(i))
	}
	appendTo(t, h, "r", want...)
	got, err := after(t, h, "r", first[0])
	require.NoError(t, err)
	assert.Equal(t, want, got)
	for e, err := range h.After(t.Context(), "r", first[0]) {
		require.NoError(t, err)
		assert.Equal(t, "0", string(e.Data))
		break
	}
	assert.Equal(t, want, last(t, h, "r", 300))
}

func TestHistoryArguments(t *testing.T) {
	t.Parallel()
	h := newHistory(t, newClient(t, "redis://"+miniredis.RunT(t).Addr()), redis.HistoryLimits{})
	for _, room := range []string{"", strings.Repeat("r", 3073)} {
		want := fmt.Sprintf("the name of the room has %d bytes, want 1 to 3072", len(room))
		_, err := h.Append(t.Context(), room, nil)
		require.EqualError(t, err, "redis: append to history: "+want)
		_, err = h.AppendOnce(t.Context(), room, "k", nil)
		require.EqualError(t, err, "redis: append to history: "+want)
		_, err = h.Last(t.Context(), room, 1)
		require.EqualError(t, err, "redis: read history: "+want)
		_, err = after(t, h, room, "1-1")
		require.EqualError(t, err, "redis: read history: "+want)
		require.EqualError(t, h.Delete(t.Context(), room), "redis: delete history: "+want)
	}
	for _, key := range []string{"", strings.Repeat("k", 257)} {
		_, err := h.AppendOnce(t.Context(), "r", key, nil)
		require.EqualError(t, err, fmt.Sprintf("redis: append to history: the key has %d bytes, want 1 to 256", len(key)))
	}
	for _, id := range []string{"", "1", "-", "+", "$", "1-", "-1", "1-1-1", "1 -1", "0x1-1", "99999999999999999999-1"} {
		_, err := after(t, h, "r", id)
		require.EqualError(t, err, "redis: read history: the id of the entry is invalid", id)
	}
	_, err := h.Last(t.Context(), "r", -1)
	require.EqualError(t, err, "redis: read history: n is -1, want 0 or more")
}

// Of concurrent calls of AppendOnce with one key, one appends.
func TestAppendOnceConcurrently(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	var group sync.WaitGroup
	for range 4 {
		h := newHistory(t, s.client(t), redis.HistoryLimits{})
		for range 4 {
			group.Go(func() {
				for i := range 50 {
					_, err := h.AppendOnce(t.Context(), "r", fmt.Sprint(i), []byte{byte(i)})
					assert.NoError(t, err)
				}
			})
		}
	}
	group.Wait()
	assert.Len(t, last(t, newHistory(t, s.client(t), redis.HistoryLimits{}), "r", 1000), 50)
}
