package inspect_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator/internal/inspect"
	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

func group(name string) inspect.Record {
	return inspect.Record{Kind: "group.joined", Group: &inspect.Group{Name: name}}
}

func names(page []inspect.Record) (out []string) {
	for _, r := range page {
		out = append(out, r.Group.Name)
	}
	return out
}

func TestListKeepsTheNewest(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(3, 1<<20)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		l.Add(group(name))
	}
	page, first := l.After(nil, 0, 10)
	assert.Equal(t, []string{"c", "d", "e"}, names(page))
	assert.Equal(t, uint64(3), first)
	assert.Equal(t, uint64(3), page[0].N)
	page, _ = l.After(nil, 3, 1)
	assert.Equal(t, []string{"d"}, names(page))
	page, _ = l.After(nil, 5, 10)
	assert.Empty(t, page)
	_, kept := l.Get(2)
	assert.False(t, kept)
	_, kept = l.Get(6)
	assert.False(t, kept)
	r, kept := l.Get(5)
	assert.True(t, kept)
	assert.Equal(t, "e", r.Group.Name)
}

func TestListIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(1000, 10_000)
	for range 100 {
		l.Add(group(strings.Repeat("x", 1000)))
		s, _ := l.Status()
		assert.LessOrEqual(t, s.Bytes, 10_000)
	}
	s, _ := l.Status()
	assert.Equal(t, 6, s.Records)
	l.Add(group(strings.Repeat("x", 20_000)))
	s, _ = l.Status()
	assert.Zero(t, s.Records, "a record that exceeds the limit alone is not kept")
	assert.Zero(t, s.Bytes)
}

func TestListIsCleared(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(10, 1<<20)
	l.Add(group("a"))
	_, before := l.Status()
	l.Clear()
	s, after := l.Status()
	assert.Equal(t, inspect.Status{First: 2, Next: 2}, s)
	assert.NotEqual(t, before, after)
	assert.Equal(t, uint64(2), l.Add(group("b")), "numbers are not used again")
}

func TestListImports(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(10, 1<<20)
	l.Add(group("a"))
	l.Import([]inspect.Record{group("b"), group("c")})
	page, _ := l.After(nil, 0, 10)
	assert.Equal(t, []string{"a", "b", "c"}, names(page))
	assert.False(t, page[0].Imported)
	assert.True(t, page[2].Imported)
	assert.Equal(t, uint64(3), page[2].N)
}

func TestListWants(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(10, 1<<20)
	wants := func(k trace.Kind) bool { return l.Wants(t.Context(), k) }
	assert.True(t, wants(trace.KindFrameIn))
	assert.True(t, wants(trace.KindRESTPayload))
	assert.False(t, wants(trace.KindFrameOut), "nobody reads")
	r := l.Read()
	assert.True(t, wants(trace.KindFrameOut))
	l.Pause(true)
	assert.False(t, wants(trace.KindFrameOut))
	assert.False(t, wants(trace.KindEventDelivered))
	l.Pause(false)
	r.Close()
	assert.False(t, wants(trace.KindFrameOut))
}

// Emitters do not wait for a reader that does not read.
func TestListWakesReaders(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(10, 1<<20)
	r := l.Read()
	defer r.Close()
	for range 100 {
		l.Add(group("a"))
	}
	<-r.Changed
	assert.Empty(t, r.Changed)
	l.Add(group("b"))
	<-r.Changed
}

// emit adds a record as the emulator does.
func emit[R trace.Record](tb testing.TB, l *inspect.List, r R) {
	tb.Helper()
	trace.Emit(tb.Context(), trace.New([]string{key}, l), r)
}

const key = "S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T-S3CR3T"

// A message for many clients is kept once.
func TestFramesShareTheirData(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(1000, 1<<20)
	defer l.Read().Close()
	data := trace.Data([]byte(strings.Repeat("x", 10_000)))
	for range 500 {
		emit(t, l, trace.FrameOut{Client: trace.Client{Hub: "chat", Connection: "c"}, Data: data})
	}
	s, _ := l.Status()
	assert.Equal(t, 500, s.Records)
	assert.Less(t, s.Bytes, 500*600+30_000)
	first, _ := l.Get(1)
	last, _ := l.Get(500)
	assert.Same(t, first.Frame, last.Frame)
	emit(t, l, trace.FrameOut{Data: data, Close: 1000})
	other, _ := l.Get(501)
	assert.NotSame(t, first.Frame, other.Frame)
	l.Clear()
	s, _ = l.Status()
	assert.Zero(t, s.Bytes)
}

// The JSON of a frame, which is kept, counts as much as it has bytes.
func TestFramesAreBoundedWithTheirJSON(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"plain": "x", "HTML": "<", "control": "\x01", "quote": `"`, "separator": "\u2028", "binary": "\xff"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit = 1 << 18
			l := inspect.NewList(1000, limit)
			defer l.Read().Close()
			for range 60 {
				emit(t, l, trace.FrameOut{Data: trace.Data([]byte(strings.Repeat(text, 4000)))})
			}
			page, _ := l.After(nil, 0, 1000)
			size := 0
			for _, r := range page {
				kept, err := json.Marshal(r.Frame)
				require.NoError(t, err)
				size += len(kept) + len(r.Frame.Data.Text) + len(r.Frame.Data.Base64)
			}
			assert.Less(t, size, limit)
			assert.Greater(t, size, limit*7/10)
			l.Clear()
			s, _ := l.Status()
			assert.Zero(t, s.Bytes)
		})
	}
}

func TestListConcurrently(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(50, 1<<20)
	r := l.Read()
	defer r.Close()
	var wg sync.WaitGroup
	data := trace.Data([]byte("hello"))
	for range 4 {
		wg.Go(func() {
			for range 200 {
				emit(t, l, trace.FrameOut{Client: trace.Client{Hub: "chat"}, Data: data})
				l.After(nil, 0, 10)
				l.Status()
			}
		})
	}
	wg.Go(func() {
		for i := range 50 {
			l.Pause(i%2 == 0)
			l.Clear()
		}
		l.Pause(false)
	})
	wg.Wait()
	l.Clear()
	s, _ := l.Status()
	assert.Zero(t, s.Bytes)
	assert.Zero(t, s.Records)
}

func TestTake(t *testing.T) {
	t.Parallel()
	l := inspect.NewList(10, 1<<20)
	emit(t, l, trace.ClientRecord{Client: trace.Client{Hub: "chat", Connection: "c", User: "ann"}, Kind: trace.KindClientLost, Reason: "why", Recoverable: time.Second})
	r, ok := l.Get(1)
	require.True(t, ok)
	assert.WithinDuration(t, time.Now(), r.At, time.Minute)
	assert.Equal(t, time.UTC, r.At.Location())
	r.At = time.Time{}
	assert.Equal(t, inspect.Record{
		N: 1, Kind: "client.lost", Level: "info", Hub: "chat", Connection: "c", User: "ann",
		Client: &inspect.Client{Reason: "why", RecoverableMs: 1000},
	}, r)
}

// What no page reads costs nothing. A message for many clients that a page reads costs less
// than an allocation for each: the list grows until it is full.
//
//nolint:paralleltest // the allocations of other tests would count
func TestFramesCostNoAllocation(t *testing.T) {
	l := inspect.NewList(100, 1<<20)
	s := trace.New([]string{key}, l)
	r := trace.FrameOut{
		Client: s.Clean(trace.Client{Hub: "chat", Connection: "0123456789abcdef0123456789abcdef", User: "ann"}), Subprotocol: "json.webpubsub.azure.v1",
		Data: trace.Data([]byte(`{"type":"message","from":"server","dataType":"text","data":"hello"}`)),
	}
	emit := func() { trace.EmitFrame(t.Context(), s, r) }
	assert.Zero(t, testing.AllocsPerRun(1000, emit), "closed")
	status, _ := l.Status()
	assert.Zero(t, status.Records)
	reader := l.Read()
	defer reader.Close()
	assert.Zero(t, testing.AllocsPerRun(1000, emit), "open")
	status, _ = l.Status()
	assert.Equal(t, 100, status.Records)
}

// Strangers do not push out what the user's own clients do.
func TestListLimitsRefusedRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := inspect.NewList(300, 1<<20)
		emit(t, l, trace.GroupChange{Kind: trace.KindGroupJoined, Group: "first"})
		for range 1000 {
			emit(t, l, trace.ForeignRefused{Reason: "why"})
			emit(t, l, trace.RESTCall{Refused: "why"})
		}
		s, _ := l.Status()
		assert.Equal(t, 201, s.Records)
		<-time.After(10 * time.Second)
		for range 2 {
			emit(t, l, trace.ForeignRefused{Reason: "why"})
		}
		<-time.After(time.Hour)
		for range 1000 {
			emit(t, l, trace.ForeignRefused{Reason: "why"})
		}
		s, _ = l.Status()
		assert.Equal(t, 300, s.Records, "100 again, after 202")
		for n, skipped := range map[uint64]int{201: 0, 202: 900, 203: 1, 204: 0} {
			r, _ := l.Get(n)
			assert.Equal(t, skipped, r.Skipped, n)
		}
	})
}
