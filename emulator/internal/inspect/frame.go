package inspect

import (
	"encoding/base64"
	"encoding/json"
	"sync"

	"github.com/go-webpubsub/webpubsub/emulator/internal/trace"
)

// sharing is what frames have that several records share.
type sharing struct {
	once    sync.Once
	encoded []byte
	holders int // records of the list; guarded by the list
}

// holdLocked counts a record that shares the frame. The first one adds its size.
func (f *Frame) holdLocked(bytes *int) {
	if f == nil {
		return
	}
	if f.holders == 0 {
		*bytes += f.size()
	}
	f.holders++
}

// releaseLocked ends a holdLocked. The last one removes the size.
func (f *Frame) releaseLocked(bytes *int) {
	if f == nil {
		return
	}
	if f.holders--; f.holders == 0 {
		*bytes -= f.size()
	}
}

// size counts the texts and the JSON, which is kept once a reader has asked for it.
func (f *Frame) size() int {
	n := 512 + len(f.Request) + len(f.Subprotocol) + f.Data.size() + base64.StdEncoding.EncodedLen(len(f.Data.Base64))
	for _, s := range [...]string{f.Request, f.Subprotocol, f.Data.Text, f.Data.Decoded} {
		n += quotedSize(s)
	}
	return n
}

// json returns the frame as JSON, which is encoded once for all records.
func (f *Frame) json() []byte {
	f.once.Do(func() {
		f.encoded, _ = json.Marshal(f) // never fails
	})
	return f.encoded
}

// cachedFrame is the frame of a payload.
type cachedFrame struct {
	payload trace.Payload
	frame   *Frame
}

// of reports whether the frame is that of a record, too: a message for many clients has one.
func (c *cachedFrame) of(r *trace.FrameOut) bool {
	f := c.frame
	return f != nil && c.payload.Same(r.Data) && f.Close == r.Close && f.Binary == r.Binary && f.Subprotocol == r.Subprotocol
}

func frameOut(r *trace.FrameOut) *Frame {
	f := &Frame{Subprotocol: r.Subprotocol, Binary: r.Binary, Close: r.Close}
	typ := frameType(r.Subprotocol, r.Binary, r.Data)
	if r.Close != 0 {
		typ = typeText
	}
	f.Data = read(r.Data, typ, messageDown)
	return f
}

func frameIn(r *trace.FrameIn) *Frame {
	f := &Frame{Subprotocol: r.Subprotocol, Binary: r.Binary}
	if f.Request = r.Request; f.Request == "<nil>" {
		f.Request = "" // an invalid frame
	}
	f.Data = read(r.Data, frameType(r.Subprotocol, r.Binary, r.Data), messageUp)
	return f
}
