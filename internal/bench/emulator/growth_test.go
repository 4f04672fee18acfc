//go:build linux

package emulator_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// sizes are the steps of the benchmarks of growth.
var sizes = []int{1, 10, 100, 1000, 10_000}

// BenchmarkConnections connects idle clients, one after the other, and reports the processor
// time and memory of the server per client. Time and iterations have no meaning.
func BenchmarkConnections(b *testing.B) {
	for _, s := range []struct{ name, server, subprotocol string }{
		{"plain", "plain", ""}, {"plain direct", "plain direct", ""}, {"emulator raw", "emulator", ""},
		{"emulator json", "emulator", jsonProtocol}, {"emulator reliable", "emulator", reliableProtocol},
	} {
		for _, n := range append(sizes, 5000) {
			b.Run(s.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				p := start(b, s.server)
				dial(b, p.address, s.subprotocol, "") // allocates what the server needs once
				before, begun := p.memory(b), p.time(b)
				for range n {
					c := dial(b, p.address, s.subprotocol, "")
					if s.subprotocol != "" {
						require.NoError(b, c.next(user)) // the connected frame
					}
				}
				connected := p.time(b)
				after := p.memory(b)
				for b.Loop() {
				}
				b.ReportMetric(float64(connected.Processor-begun.Processor)/float64(n), "cpu-ns/conn")
				b.ReportMetric(float64(after.Heap-before.Heap)/float64(n), "heap+stack-B/conn")
				b.ReportMetric(float64(after.Resident-before.Resident)/float64(n), "resident-B/conn")
			})
		}
	}
}

// BenchmarkMembers sends a text to groups of different sizes and reports the processor time
// of the server per message and member.
func BenchmarkMembers(b *testing.B) {
	for _, s := range []struct{ name, server, subprotocol string }{
		{"plain", "plain", ""}, {"json", "emulator", jsonProtocol}, {"reliable", "emulator", reliableProtocol},
	} {
		for _, n := range sizes {
			b.Run(s.name+"/"+strconv.Itoa(n), func(b *testing.B) {
				c := newCrowd(b, n, s.server, s.subprotocol)
				c.publish(b, 10)
				c.spent = 0
				messages := max(5, 1000/n)
				for b.Loop() {
					c.publish(b, messages)
				}
				b.ReportMetric(float64(c.spent)/float64(b.N*messages*n), "cpu-ns/member")
			})
		}
	}
}

// BenchmarkGroups joins clients to groups, 100 groups each, and reports the processor time
// of the server per join, its memory per membership, and its processor time for a message
// to one of the groups.
func BenchmarkGroups(b *testing.B) {
	const each = 100
	for _, n := range sizes {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p := start(b, "emulator")
			clients := make([]*client, (n+each-1)/each)
			for i := range clients {
				clients[i] = dial(b, p.address, jsonProtocol, "")
				require.NoError(b, clients[i].next(user))
			}
			before, begun := p.memory(b), p.time(b)
			for i := range n {
				c := clients[i/each]
				require.NoError(b, c.send(textFrame, fmt.Sprintf(`{"type":"joinGroup","group":"g%d","ackId":%d}`, i, i+1)))
				require.NoError(b, c.next(`"success":true`))
			}
			joined := p.time(b)
			after := p.memory(b)
			const messages = 100
			sent := p.time(b)
			for b.Loop() {
				for i := range messages {
					require.NoError(b, clients[0].send(textFrame, fmt.Sprintf(`{"type":"sendToGroup","group":"g%d","dataType":"text","data":"hi"}`, i%min(n, each))))
					require.NoError(b, clients[0].next("hi"))
				}
			}
			b.ReportMetric(float64(p.time(b).Processor-sent.Processor)/float64(b.N*messages), "cpu-ns/msg")
			b.ReportMetric(float64(joined.Processor-begun.Processor)/float64(n), "cpu-ns/join")
			b.ReportMetric(float64(after.Heap-before.Heap)/float64(n), "heap-B/group")
		})
	}
}
