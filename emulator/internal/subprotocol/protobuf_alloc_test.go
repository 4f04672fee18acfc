package subprotocol_test

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/emulator/internal/subprotocol"
)

// field returns a length-delimited field.
func field(number protowire.Number, content ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), bytes.Join(content, nil))
}

// fill returns the largest frame of one send_to_group_message, filled with pieces.
func fill(number protowire.Number, piece func(i int) []byte) []byte {
	content := field(1, []byte("g"))
	for i := 0; ; i++ {
		next := piece(i)
		if len(content)+len(next) > subprotocol.MaxFrame-8 {
			return field(number, content)
		}
		content = append(content, next...)
	}
}

// TestProtobufFrameAllocates limits the memory that one frame takes, whatever is in it. The
// most is for an Any of many large parts, which is appended to.
func TestProtobufFrameAllocates(t *testing.T) { //nolint:paralleltest // counts allocations
	key := func(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)&0x7f7f7f7f) } // ASCII
	for name, frame := range map[string][]byte{
		"one payload":             field(1, field(1, []byte("g")), field(3, field(2, make([]byte, subprotocol.MaxFrame-32)))),
		"many entries":            fill(1, func(i int) []byte { return field(6, field(1, key(i))) }),
		"one entry again":         fill(1, func(int) []byte { return field(6, field(1, []byte("k"))) }),
		"many entries of a state": fill(15, func(i int) []byte { return field(3, field(1, field(1, key(i)))) }),
		"large entries":           fill(1, func(i int) []byte { return field(6, field(1, key(i)), field(2, make([]byte, 1000))) }),
		"empty entries":           fill(1, func(int) []byte { return field(6) }),
		"many payloads":           fill(1, func(int) []byte { return field(3, field(1, []byte("x"))) }),
		"an Any of many parts":    fill(1, func(int) []byte { return field(3, field(3, field(2, []byte("x")))) }),
		"Anys of groups": fill(1, func(int) []byte {
			return field(3, field(3, bytes.Repeat([]byte{0x1b}, 1000), bytes.Repeat([]byte{0x1c}, 1000)))
		}),
		"many streams":            fill(1, func(int) []byte { return field(7, field(1, []byte("s")), []byte{0x10, 1}) }),
		"many acks":               fill(1, func(int) []byte { return []byte{0x10, 1} }),
		"many groups":             fill(1, func(int) []byte { return field(1, []byte("group")) }),
		"unknown fields":          fill(1, func(int) []byte { return []byte{0x78, 1} }),
		"unknown groups":          fill(1, func(int) []byte { return []byte{0x7b, 0x7c} }),
		"groups in groups":        bytes.Repeat([]byte{0x7b}, subprotocol.MaxFrame),
		"many messages":           bytes.Repeat(field(1, field(1, []byte("g"))), subprotocol.MaxFrame/5),
		"messages of other cases": bytes.Repeat(append(field(6), field(7)...), subprotocol.MaxFrame/4),
	} {
		assert.LessOrEqual(t, len(frame), subprotocol.MaxFrame, name)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = protobuf.Read(true, frame)
		runtime.ReadMemStats(&after)
		t.Logf("%s: %d bytes for a frame of %d", name, after.TotalAlloc-before.TotalAlloc, len(frame))
		assert.LessOrEqual(t, after.TotalAlloc-before.TotalAlloc, uint64(6*subprotocol.MaxFrame), name)
	}
}
