package client_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/client"
)

// traceTo returns a trace all of whose functions call f with their name and argument.
func traceTo(f func(ctx context.Context, name string, info any)) *client.Trace {
	out := new(client.Trace)
	v := reflect.ValueOf(out).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		v.Field(i).Set(reflect.MakeFunc(v.Field(i).Type(), func(args []reflect.Value) []reflect.Value {
			ctx, _ := reflect.TypeAssert[context.Context](args[0])
			f(ctx, name, args[1].Interface())
			return nil
		}))
	}
	return out
}

// note writes an argument of a trace function without what is zero, depends on the time, or
// is the text of an error.
func note(name string, info any) string {
	v := reflect.ValueOf(info)
	for i := range v.NumField() {
		field, value := v.Type().Field(i), v.Field(i)
		switch {
		case value.IsZero() || field.Type == reflect.TypeFor[time.Duration]() || field.Name == "Queued":
		case field.Name == "Err":
			name += " Err"
		default:
			name += fmt.Sprintf(" %s=%v", field.Name, value.Interface())
		}
	}
	return name
}

// TestTrace checks all calls for a connection that is recovered, replaced and stopped.
func TestTrace(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		seen := new(recorder)
		opts := &client.Options{Trace: traceTo(func(_ context.Context, name string, info any) { seen.note(note(name, info)) })}
		c := f.client(opts)
		*opts.Trace = client.Trace{} // which the client has copied
		c.OnGroupMessage(func(context.Context, *client.GroupMessage) {})
		p := f.start(c)
		assert.Equal(t, []string{"ConnectStart Attempt=1", "ConnectDone Attempt=1 ConnectionID=id-1"}, seen.settled())

		run := begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text("x"), nil) })
		p.send(ack(p.expectAck("sendToGroup"), "InternalServerError"))
		pass(2 * time.Second)
		p.send(ack(p.expectAck("sendToGroup"), ""))
		<-run.done
		assert.Equal(t, []string{
			"RequestSent ConnectionID=id-1 Operation=SendToGroup Name=g AckID=1 Attempt=1 Bytes=88",
			"RequestSent ConnectionID=id-1 Operation=SendToGroup Name=g AckID=1 Attempt=2 Bytes=88",
			"RequestDone Operation=SendToGroup Name=g AckID=1 Attempts=2",
		}, seen.settled())

		p.send(group(1, "a"), `{"type":"message","from":"server","dataType":"text","data":"b","sequenceId":2}`, group(1, "a"), `{}`)
		assert.Equal(t, []string{
			"Received ConnectionID=id-1 Kind=group SequenceID=1 Bytes=108", "Delivered Kind=group Bytes=108",
			"Received ConnectionID=id-1 Kind=server SequenceID=2 Bytes=78", "Delivered Kind=server Bytes=78",
			"Repeated ConnectionID=id-1 SequenceID=1",
			"Received ConnectionID=id-1 Kind=invalid Bytes=2", "Delivered Kind=invalid Bytes=2",
		}, sortedPairs(seen.settled()))
		pass(time.Second)
		p.expect(`{"type":"sequenceAck","sequenceId":2}`)
		assert.Equal(t, []string{"Acknowledged ConnectionID=id-1 SequenceID=2"}, seen.settled())

		p.close(4000, "why")
		p = f.recovered("id-1")
		p.expect(`{"type":"sequenceAck","sequenceId":2}`)
		assert.Equal(t, []string{
			"Lost ConnectionID=id-1 CloseCode=4000 Err",
			"RecoverStart ConnectionID=id-1 Attempt=1", "Acknowledged ConnectionID=id-1 SequenceID=2", "RecoverDone ConnectionID=id-1 Attempt=1",
		}, seen.settled())
		p.close(1008, "no")
		f.greet("id-2")
		assert.Equal(t, []string{
			`Lost ConnectionID=id-1 CloseCode=1008 Err`,
			`Ended ConnectionID=id-1 CloseCode=1008 Err`,
			"ConnectStart Attempt=1", "ConnectDone Attempt=1 ConnectionID=id-2",
		}, seen.settled())
		require.NoError(t, c.Stop(t.Context()))
		assert.Equal(t, []string{"Ended ConnectionID=id-2"}, seen.settled())
	})
}

// sortedPairs puts each Delivered after its Received: two goroutines call them.
func sortedPairs(notes []string) []string {
	var received, delivered, out []string
	for _, n := range notes {
		if n[0] == 'D' {
			delivered = append(delivered, n)
		} else {
			received = append(received, n)
		}
	}
	for _, n := range received {
		if out = append(out, n); n[:3] == "Rec" && len(delivered) > 0 {
			out, delivered = append(out, delivered[0]), delivered[1:]
		}
	}
	return append(out, delivered...)
}

// TestTraceOfRequests checks the requests that have no ack and those that fail, and
// whose context their functions receive.
func TestTraceOfRequests(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		seen := new(recorder)
		c, p := f.started(&client.Options{Trace: traceTo(func(ctx context.Context, name string, info any) {
			seen.note(fmt.Sprint(ctx.Value(contextKey{}), " ", note(name, info)))
		})})
		go p.drain()
		seen.settled()
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), contextKey{}, "mine"), time.Second)
		defer cancel()
		_, err := c.SendEvent(ctx, "e", client.Text("x"), &client.EventOptions{FireAndForget: true})
		require.NoError(t, err)
		_, err = c.InvokeEvent(ctx, "e", client.Text("x"), nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = c.JoinGroup(ctx, "g", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []string{
			"mine RequestSent ConnectionID=id-1 Operation=SendEvent Name=e Attempt=1 Bytes=57",
			"mine RequestSent ConnectionID=id-1 Operation=InvokeEvent Name=e Attempt=1 Bytes=94",
			"mine RequestDone Operation=InvokeEvent Name=e Attempts=1 Err",
			"mine RequestDone Operation=JoinGroup Name=g AckID=1 Err",
		}, seen.settled())
	})
}

// TestTraceTimes checks the durations that functions receive.
func TestTraceTimes(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		seen := new(recorder)
		c := f.client(&client.Options{Trace: &client.Trace{
			Received: func(_ context.Context, info client.ReceivedInfo) {
				seen.note(fmt.Sprint("received, queued ", info.Queued))
			},
			Delivered: func(_ context.Context, info client.DeliveredInfo) { seen.note(fmt.Sprint("delivered ", info)) },
			Ended:     func(_ context.Context, info client.EndedInfo) { seen.note(fmt.Sprint("ended after ", info.Duration)) },
			RequestDone: func(_ context.Context, info client.RequestDoneInfo) {
				seen.note(fmt.Sprint("done after ", info.Duration))
			},
		}})
		c.OnGroupMessage(func(context.Context, *client.GroupMessage) { <-time.After(3 * time.Second) })
		p := f.start(c)
		p.send(group(1, "a"))
		synctest.Wait()
		p.send(group(2, "b"), group(3, "c"))
		go p.drain()
		pass(9 * time.Second)
		assert.Equal(t, []string{
			"received, queued 1", "received, queued 1", "received, queued 2",
			"delivered {group 108 0s 3s 2}", "delivered {group 108 3s 3s 1}", "delivered {group 108 6s 3s 0}",
		}, seen.settled())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.SendToGroup(ctx, "g", client.Text("x"), nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, c.Stop(t.Context()))
		assert.Equal(t, []string{"done after 1m0s", "ended after 1m9s"}, seen.settled())
	})
}

// TestTracePanics checks that a panic of any function is reported and has no other
// effect.
func TestTracePanics(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		f := newFake(t)
		c := f.client(&client.Options{
			Trace:  traceTo(func(context.Context, string, any) { panic("at the disco") }),
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		p := f.start(c)
		run := begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text("x"), nil) })
		p.send(ack(p.expectAck("sendToGroup"), ""), group(1, "a"))
		run.succeeds(t, client.Result{AckID: 1})
		p.drop()
		f.recovered("id-1")
		synctest.Wait()
		assert.Equal(t, client.StateConnected, c.State())
		require.NoError(t, c.Stop(t.Context()))
		assert.Contains(t, log.String(), "at the disco")
	})
}

// TestTraceAllocations checks what a call costs. It must not run in parallel with other
// tests, whose allocations it would count.
func TestTraceAllocations(t *testing.T) { //nolint:paralleltest // see above
	calls := 0
	call := client.CallTrace(&client.Trace{
		Received: func(context.Context, client.ReceivedInfo) { calls++ },
		Lost:     func(_ context.Context, info client.LostInfo) { calls += info.CloseCode },
	})
	assert.Zero(t, testing.AllocsPerRun(100, call))
	assert.Equal(t, 202, calls)
	assert.Zero(t, testing.AllocsPerRun(100, client.CallTrace(new(client.Trace))))
}

// TestTraceShowsNoSecret checks all arguments of a client whose service repeats its
// secrets.
func TestTraceShowsNoSecret(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		called := new(recorder)
		opts := &client.Options{Trace: traceTo(func(_ context.Context, name string, info any) {
			called.note(name)
			holdsNone(t, name, shown(info))
			if err, ok := reflect.TypeAssert[error](reflect.Indirect(reflect.ValueOf(info)).FieldByName("Err")); ok {
				chain(t, name, err)
			}
		})}
		c := newClient(t, f.network, secretAddress, opts)
		p := f.start(c)
		run := begin(func() (client.Result, error) { return c.SendToGroup(t.Context(), "g", client.Text(secretToken), nil) })
		p.send(fmt.Sprintf(`{"type":"ack","ackId":%d,"success":false,"error":{"name":"Forbidden","message":%q}}`, p.expectAck("sendToGroup"), secretToken))
		run.fails(t, client.ErrForbidden)
		p.send(group(1, secretToken), group(1, secretToken))
		pass(2 * time.Second)
		p.close(4000, secretToken)
		p = <-f.peers
		p.expect(`{"type":"ping"}`)
		p.close(1008, "The connection could not be recovered.")
		synctest.Wait()
		f.greet("id-1")
		require.NoError(t, c.Stop(t.Context()))
		names := called.settled()
		for _, field := range reflect.VisibleFields(reflect.TypeFor[client.Trace]()) {
			assert.Contains(t, names, field.Name)
		}
	})
}

// TestTraceOfFailedAttempts counts the attempts to make a connection.
func TestTraceOfFailedAttempts(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		f := newFake(t)
		var attempts []int
		failed := 0
		c := f.client(&client.Options{Protocol: client.ProtocolJSON, Trace: &client.Trace{
			ConnectStart: func(_ context.Context, info client.ConnectStartInfo) { attempts = append(attempts, info.Attempt) },
			ConnectDone: func(_ context.Context, info client.ConnectDoneInfo) {
				if info.Err != nil {
					failed++
				}
			},
		}})
		p := f.start(c)
		f.network.setDown(true)
		p.drop()
		pass(20 * time.Second)
		f.network.setDown(false)
		f.greet("id-2")
		synctest.Wait()
		require.Greater(t, len(attempts), 2)
		assert.Equal(t, len(attempts)-2, failed, "all but the first and the last")
		for i, n := range attempts[1:] {
			assert.Equal(t, i+1, n)
		}
		require.NoError(t, c.Stop(t.Context()))
	})
}
