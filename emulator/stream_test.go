package emulator_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/emulator"
)

const startStream = `{"type":"sendToGroup","group":"g","noEcho":true,"stream":{"streamId":"s","idleTimeoutMs":1000}}`

func streamData(seq int) string {
	return fmt.Sprintf(`{"type":"streamData","streamId":"s","streamSequenceId":%d,"dataType":"text","data":"%d"}`, seq, seq)
}

func streamAck(expected int) string {
	return fmt.Sprintf(`{"type":"streamAck","streamId":"s","expectedSequenceId":%d}`, expected)
}

func streamed(seq int) string {
	return fmt.Sprintf(`{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"text","data":"%d","stream":{"streamId":"s","streamSequenceId":%d}}`, seq, seq)
}

func streamEnd(seq int, failure string) string {
	return fmt.Sprintf(`{"type":"message","from":"group","group":"g","fromUserId":"ann","dataType":"text","data":"","stream":{"streamId":"s","streamSequenceId":%d,"endOfStream":true%s}}`, seq, failure)
}

const notFoundStream = `{"type":"streamClosed","streamId":"s","error":{"name":"StreamNotFound","message":"The stream 's' was not found."}}`

func TestStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p, member := r.member("ann", "g"), r.member("bob", "g")
		p.send(streamData(1))
		p.expect(notFoundStream)
		p.send(startStream)
		p.expect(streamAck(1))
		p.send(startStream)
		p.expect(`{"type":"streamClosed","streamId":"s","error":{"name":"BadRequest","message":"The stream 's' exists already."}}`)
		p.send(streamData(1), streamData(2))
		p.expect(streamAck(2), streamAck(3))
		p.send(streamData(1)) // repeated
		p.expect(streamAck(3))
		p.send(streamData(4))
		p.expect(`{"type":"streamNack","streamId":"s","expectedSequenceId":3,"name":"InvalidSequenceId","message":"The stream expects sequence id 3."}`)
		p.send(streamData(3), `{"type":"streamEnd","streamId":"s","error":{"message":"m","userErrorCode":"c"}}`)
		p.expect(streamAck(4), `{"type":"streamClosed","streamId":"s"}`)
		member.expect(streamed(1), streamed(2), streamed(3), streamEnd(4, `,"error":{"name":"UserError","message":"m","userErrorCode":"c"}`))
		p.send(`{"type":"streamEnd","streamId":"s"}`)
		p.expect(notFoundStream)
		p.send(startStream)
		p.expect(streamAck(1)) // the id can be used again
	})
}

func TestStreamIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p, member := r.member("ann"), r.member("bob", "g")
		p.send(startStream)
		p.expect(streamAck(1))
		for seq := range 5 { // data and keep-alive reset the timer
			pass(999 * time.Millisecond)
			p.send(streamData(seq + 1))
			p.expect(streamAck(seq + 2))
			member.expect(streamed(seq + 1))
			pass(999 * time.Millisecond)
			p.send(`{"type":"streamData","streamId":"s"}`)
			p.quiet()
		}
		start := time.Now()
		p.expect(`{"type":"streamClosed","streamId":"s","error":{"name":"IdleTimeout","message":"The stream was idle for too long."}}`)
		require.Equal(t, time.Second, time.Since(start))
		member.expect(streamEnd(6, `,"error":{"name":"IdleTimeout","message":"The stream was idle for too long."}`))

		p.send(`{"type":"sendToGroup","group":"g","stream":{"streamId":"d"}}`)
		p.expect(`{"type":"streamAck","streamId":"d","expectedSequenceId":1}`)
		start = time.Now()
		require.Equal(t, "streamClosed", p.next()["type"])
		require.Equal(t, 5*time.Minute, time.Since(start))
	})
}

func TestStreamWithoutPermission(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.json(r.clientURL("ann", "webpubsub.joinLeaveGroup"), plainJSON)
		p.send(startStream)
		p.expect(`{"type":"streamClosed","streamId":"s","error":{"name":"Forbidden","message":"The client does not have permission to send to group 'g'."}}`)
	})
}

func TestStreamOfDisconnectedPublisher(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p, member := r.member("ann"), r.member("bob", "g")
		p.send(startStream, streamData(1))
		p.expect(streamAck(1), streamAck(2))
		require.NoError(t, p.conn.CloseNow())
		member.expect(streamed(1), streamEnd(2, `,"error":{"name":"Cancelled","message":"The connection of the publisher has ended."}`))
	})
}

func TestStreamContinuesAfterRecovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p, member := r.json(r.clientURL("ann", allRoles), reliableJSON), r.member("bob", "g")
		p.send(`{"type":"sendToGroup","group":"g","stream":{"streamId":"s","idleTimeoutMs":60000}}`, streamData(1))
		p.expect(streamAck(1), streamAck(2))
		require.NoError(t, p.conn.CloseNow())
		pass(20 * time.Second)
		again := r.recover(p)
		again.next()
		again.send(streamData(1), streamData(2))
		again.expect(streamAck(2), streamAck(3))
		member.expect(streamed(1), streamed(2))
	})
}

func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, emulator.Config{})
		p := r.member("ann")
		for i := range 1001 {
			p.send(fmt.Sprintf(`{"type":"sendToGroup","group":"g","stream":{"streamId":"%d"}}`, i))
			if i < 1000 {
				require.Equal(t, "streamAck", p.next()["type"])
			}
		}
		p.expect(`{"type":"streamClosed","streamId":"1000","error":{"name":"BadRequest","message":"The client has too many streams."}}`)
		require.Equal(t, http.StatusOK, r.rest("HEAD", "/users/ann", "", ""))
	})
}
