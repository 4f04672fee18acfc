package client

import "context"

// Outbox is an outbox over two functions.
type Outbox struct{ out outbox }

const MaxUnread = maxUnread

func NewOutbox(write func([]byte) error, fail func()) *Outbox {
	return &Outbox{outbox{write: func(b []byte, _ bool) error { return write(b) }, fail: fail}}
}

func (o *Outbox) Put(ctx context.Context, b []byte, waits bool) (end uint64, ok bool, err error) {
	return o.out.put(ctx, &buffer{b}, waits)
}

func (o *Outbox) Received(end uint64) { o.out.received(end) }

func (o *Outbox) Close() {
	o.out.close()
	o.out.wait()
}
