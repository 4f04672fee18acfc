package redis_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/presence"
	"github.com/go-webpubsub/webpubsub/redis"
)

// payload is as long as a short answer or message.
var payload = []byte(strings.Repeat("p", 200))

// benchmark is a call of a store, and a bare command with the same payload: SET or GET, or the
// one that reads the same data.
type benchmark struct {
	name       string
	call, bare func(ctx context.Context, i int) error
}

// benchmarks returns a client of a server on the loopback interface, and calls.
func benchmarks(b *testing.B, connect func(tb testing.TB, url string) rueidis.Client) (rueidis.Client, []benchmark) {
	b.Helper()
	_, port := startOnPort(b, func(port string) []string { return []string{"--port", port} })
	client := connect(b, "redis://127.0.0.1:"+port)
	s := newStores(b, client)
	set := func(ctx context.Context, i int) error {
		return client.Do(ctx, client.B().Set().Key(fmt.Sprint("bare", i%1000)).Value(rueidis.BinaryString(payload)).Px(time.Hour).Build()).Error()
	}
	get := func(ctx context.Context, i int) error {
		return client.Do(ctx, client.B().Get().Key(fmt.Sprint("bare", i%1000)).Build()).Error()
	}
	for i := range 1000 {
		require.NoError(b, set(b.Context(), i))
	}
	for i := range 100 {
		m := presence.Member{ConnectionID: fmt.Sprint("m", i), UserID: fmt.Sprint("user", i)}
		require.NoError(b, s.presence.Apply(b.Context(), hub, joins(m, "hundred"), time.Hour, time.Hour))
		_, err := s.history.Append(b.Context(), "full", payload)
		require.NoError(b, err)
	}
	entries := func(ctx context.Context, _ int) error {
		return client.Do(ctx, client.B().Xrevrange().Key("webpubsub:history:{full}").End("+").Start("-").Count(50).Build()).Error()
	}
	members := func(ctx context.Context, _ int) error {
		return client.Do(ctx, client.B().Hgetall().Key("webpubsub:presence:{chat}:group:hundred").Build()).Error()
	}
	event := func(kind webpubsub.EventKind, id string, group string, order int) presence.Event {
		return presence.Event{Kind: kind, Member: presence.Member{ConnectionID: id, UserID: "user" + id}, Group: group, Order: int64(order)}
	}
	apply := func(ctx context.Context, ev presence.Event) error {
		return s.presence.Apply(ctx, hub, ev, time.Hour, time.Hour)
	}
	begin := func(ctx context.Context, key string, claim int) error {
		_, _, err := s.events.Begin(ctx, key, fmt.Sprint("claim", claim), time.Hour)
		return err
	}
	require.NoError(b, begin(b.Context(), "running", -1))
	require.NoError(b, s.events.Finish(b.Context(), "done", "claim", payload, time.Hour))
	nothing := rueidis.NewLuaScriptRetryable("return 1")
	return client, []benchmark{
		{"empty-script", func(ctx context.Context, i int) error {
			return nothing.Exec(ctx, client, []string{fmt.Sprint("bare", i%1000)}, []string{string(payload)}).Error()
		}, set},
		{"Begin", func(ctx context.Context, i int) error { return begin(ctx, fmt.Sprint("e", i), i) }, set},
		{"Begin-renewal", func(ctx context.Context, _ int) error { return begin(ctx, "running", -1) }, set},
		{"Begin-done", func(ctx context.Context, i int) error { return begin(ctx, "done", i) }, get},
		{"Finish", func(ctx context.Context, i int) error {
			return s.events.Finish(ctx, fmt.Sprint("e", i), fmt.Sprint("claim", i), payload, time.Hour)
		}, set},
		{"Append", func(ctx context.Context, _ int) error { _, err := s.history.Append(ctx, "r", payload); return err }, set},
		{"AppendOnce", func(ctx context.Context, i int) error {
			_, err := s.history.AppendOnce(ctx, "r", fmt.Sprint(i), payload)
			return err
		}, set},
		{"Last-50", func(ctx context.Context, _ int) error { _, err := s.history.Last(ctx, "full", 50); return err }, entries},
		{"Apply-connected", func(ctx context.Context, i int) error {
			return apply(ctx, event(webpubsub.EventKindConnected, fmt.Sprint("c", i), "", 0))
		}, set},
		{"Apply-joined", func(ctx context.Context, i int) error {
			return apply(ctx, event(webpubsub.EventKindGroupJoined, fmt.Sprint("c", i), fmt.Sprint("g", i/10), 1))
		}, set},
		{"Apply-left", func(ctx context.Context, i int) error {
			return apply(ctx, event(webpubsub.EventKindGroupLeft, fmt.Sprint("c", i), fmt.Sprint("g", i/10), 2))
		}, set},
		{"Apply-disconnected", func(ctx context.Context, i int) error {
			return apply(ctx, event(webpubsub.EventKindDisconnected, fmt.Sprint("c", i), "", 0))
		}, set},
		{"Members-100", func(ctx context.Context, _ int) error {
			_, err := s.presence.Members(ctx, hub, "hundred", 0)
			return err
		}, members},
		{"Connections", func(ctx context.Context, i int) error {
			_, err := s.presence.Connections(ctx, hub, fmt.Sprint("user", i%100))
			return err
		}, get},
		{"Lead", func(ctx context.Context, _ int) error {
			_, err := s.presence.Lead(ctx, hub, "a", time.Hour)
			return err
		}, set},
	}
}

// BenchmarkCalls measures each call beside a bare command, in turn, so that both see the same
// machine. The medians are bare-ns and call-ns, and ratio is theirs.
func BenchmarkCalls(b *testing.B) { compare(b, newClient) }

// BenchmarkDistantCalls is BenchmarkCalls with a server to which a round trip takes 0.5 ms.
func BenchmarkDistantCalls(b *testing.B) { compare(b, newDistantClient) }

func compare(b *testing.B, connect func(tb testing.TB, url string) rueidis.Client) {
	b.Helper()
	_, all := benchmarks(b, connect)
	runs := make(map[string]int)
	for _, bench := range all {
		b.Run(bench.name, func(b *testing.B) {
			var calls, bares []time.Duration
			i := runs[bench.name] * 1_000_000 // each run has keys of its own
			runs[bench.name]++
			for b.Loop() {
				ctx, cancel := context.WithTimeout(b.Context(), time.Second) // as a handler does
				start := time.Now()
				errCall := bench.call(ctx, i)
				middle := time.Now()
				errBare := bench.bare(ctx, i)
				end := time.Now()
				cancel()
				require.NoError(b, errCall)
				require.NoError(b, errBare)
				calls, bares = append(calls, middle.Sub(start)), append(bares, end.Sub(middle))
				i++
			}
			median := func(d []time.Duration) float64 {
				slices.Sort(d)
				return float64(d[len(d)/2])
			}
			b.ReportMetric(median(calls), "call-ns")
			b.ReportMetric(median(bares), "bare-ns")
			b.ReportMetric(median(calls)/median(bares), "ratio")
			b.ReportMetric(0, "ns/op") // it is that of both
		})
	}
}

// BenchmarkServer makes calls from many goroutines, and measures the processor time that the
// server takes for each: server-us, and bare-us for bare commands.
func BenchmarkServer(b *testing.B) {
	client, all := benchmarks(b, newClient)
	rounds := make(map[string]int)
	for _, bench := range all {
		b.Run(bench.name, func(b *testing.B) {
			var used [2]float64
			n := 0.0
			for b.Loop() {
				const calls = 20_000
				first := rounds[bench.name] * calls
				rounds[bench.name]++
				n++
				for k, f := range []func(context.Context, int) error{bench.call, bench.bare} {
					before := processorTime(b, client)
					each(b, calls, func(i int) error { return f(b.Context(), first+i) })
					used[k] += (processorTime(b, client) - before) / calls
				}
			}
			b.ReportMetric(used[0]/n, "server-us")
			b.ReportMetric(used[1]/n, "bare-us")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// each calls f n times from many goroutines.
func each(b *testing.B, n int, f func(i int) error) {
	b.Helper()
	var group sync.WaitGroup
	var next, failed atomic.Int64
	for range 64 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if f(i) != nil {
					failed.Add(1)
				}
			}
		})
	}
	group.Wait()
	require.Zero(b, failed.Load())
}

// processorTime returns the processor time of the server in microseconds.
func processorTime(b *testing.B, client rueidis.Client) float64 {
	b.Helper()
	info, err := do(b, client, "INFO", "cpu").ToString()
	require.NoError(b, err)
	sum := 0.0
	for _, m := range regexp.MustCompile(`used_cpu_(?:user|sys):([\d.]+)`).FindAllStringSubmatch(info, -1) {
		sum += must(strconv.ParseFloat(m[1], 64)) * 1e6
	}
	return sum
}

// BenchmarkMemory measures the memory of the server for each event, member and entry, of
// 10,000.
func BenchmarkMemory(b *testing.B) {
	const many = 10_000
	id := func(i int) string { return fmt.Sprintf("%032x", i) } // as long as the service's
	for _, tt := range []struct {
		name string
		add  func(ctx context.Context, s *stores, i int) error
	}{
		{"event", func(ctx context.Context, s *stores, i int) error {
			return s.events.Finish(ctx, fmt.Sprintf("%043x", i), fmt.Sprintf("%026x", i), payload, time.Hour)
		}},
		{"claim", func(ctx context.Context, s *stores, i int) error {
			_, _, err := s.events.Begin(ctx, fmt.Sprintf("%043x", i), fmt.Sprintf("%026x", i), time.Hour)
			return err
		}},
		{"connection", func(ctx context.Context, s *stores, i int) error {
			ev := presence.Event{Kind: webpubsub.EventKindConnected, Member: presence.Member{ConnectionID: id(i), UserID: fmt.Sprint("user", i)}}
			return s.presence.Apply(ctx, hub, ev, time.Hour, time.Hour)
		}},
		{"connection-in-1-group", func(ctx context.Context, s *stores, i int) error {
			m := presence.Member{ConnectionID: id(i), UserID: fmt.Sprint("user", i)}
			return s.presence.Apply(ctx, hub, joins(m, fmt.Sprint("room", i/100)), time.Hour, time.Hour)
		}},
		{"connection-in-5-groups", func(ctx context.Context, s *stores, i int) error {
			m := presence.Member{ConnectionID: id(i), UserID: fmt.Sprint("user", i)}
			for k := range 5 {
				if err := s.presence.Apply(ctx, hub, joins(m, fmt.Sprint("room", k, "-", i/100)), time.Hour, time.Hour); err != nil {
					return err
				}
			}
			return nil
		}},
		{"ended-connection", func(ctx context.Context, s *stores, i int) error {
			ev := presence.Event{Kind: webpubsub.EventKindDisconnected, Member: presence.Member{ConnectionID: id(i)}}
			return s.presence.Apply(ctx, hub, ev, time.Hour, time.Hour)
		}},
		{"history-entry", func(ctx context.Context, s *stores, i int) error {
			_, err := s.history.Append(ctx, fmt.Sprint("room", i/1000), payload)
			return err
		}},
		{"history-entry-once", func(ctx context.Context, s *stores, i int) error {
			_, err := s.history.AppendOnce(ctx, fmt.Sprint("room", i/1000), id(i)+"/1", payload)
			return err
		}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			var bytes float64
			for b.Loop() {
				client := startServer(b).client(b)
				s := storesWith(b, redis.Config{Client: client, Timeout: time.Minute})
				require.NoError(b, tt.add(b.Context(), s, many))
				before := usedMemory(b, client)
				for i := range many {
					require.NoError(b, tt.add(b.Context(), s, i))
				}
				bytes = float64(usedMemory(b, client)-before) / many
			}
			b.ReportMetric(bytes, "B/each")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func usedMemory(b *testing.B, client rueidis.Client) int {
	b.Helper()
	info, err := do(b, client, "INFO", "memory").ToString()
	require.NoError(b, err)
	m := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(info)
	require.NotNil(b, m)
	return must(strconv.Atoi(m[1]))
}
