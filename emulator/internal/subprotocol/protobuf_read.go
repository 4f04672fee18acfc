package subprotocol

import (
	"errors"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/protoany"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Protobuf is protobuf.webpubsub.azure.v1 or, if reliable,
// protobuf.reliable.webpubsub.azure.v1.
type Protobuf struct{ reliable bool }

// Output encodes protobuf. Clients of the reliable subprotocol acknowledge messages.
func (p Protobuf) Output() hub.Output {
	out := hub.Output{Codec: protobufCodec{}, Answers: protobufCodec{}, Delivery: hub.Unacknowledged{}, SilentRecovery: true}
	if p.reliable {
		out.Delivery = new(hub.Cumulative)
	}
	return out
}

func (p Protobuf) name() string {
	if p.reliable {
		return wire.SubprotocolProtobufReliable
	}
	return wire.SubprotocolProtobuf
}

// Read decodes a frame, which is an UpstreamMessage. Unknown fields are ignored.
func (p Protobuf) Read(binary bool, data []byte) (hub.Request, *Violation) {
	if !binary {
		return nil, &Violation{Code: hub.CloseUnsupported, Reason: "The " + p.name() + " subprotocol requires binary messages.", Detail: "text frame"}
	}
	req, err := readProtobuf(data)
	if err != nil {
		return nil, &Violation{Code: hub.CloseInvalid, Reason: "The client message is not a valid " + p.name() + " protocol message.", Detail: err.Error()}
	}
	return req, nil
}

// operation is a case of UpstreamMessage.
type operation struct {
	// field stores one field of the message.
	field func(*upstream, *fields)
	// request checks the stored fields and returns the request.
	request func(*upstream) hub.Request
}

// operations by the number of their case. Microsoft's emulator refuses the numbers from 10
// on. This emulator accepts them, since it accepts the same operations over JSON.
var operations = [...]operation{
	1: {(*upstream).sendToGroupField, (*upstream).sendToGroup},
	5: {(*upstream).eventField, func(u *upstream) hub.Request {
		u.refuseStream()
		return hub.SendEvent{Event: u.eventName(), AckID: u.ackID.pointer(), Message: u.message()}
	}},
	6:  {(*upstream).groupField, func(u *upstream) hub.Request { return hub.JoinGroup{Group: u.groupName(), AckID: u.ackID.pointer()} }},
	7:  {(*upstream).groupField, func(u *upstream) hub.Request { return hub.LeaveGroup{Group: u.groupName(), AckID: u.ackID.pointer()} }},
	8:  {(*upstream).sequenceAckField, func(u *upstream) hub.Request { return hub.SequenceAck{ID: u.sequenceID.value} }},
	9:  {func(*upstream, *fields) {}, func(*upstream) hub.Request { return hub.Ping{} }},
	10: {(*upstream).invokeField, (*upstream).invoke},
	11: {(*upstream).idField, func(u *upstream) hub.Request { return hub.CancelInvocation{ID: u.checkedID("invocation_id", u.id)} }},
	13: {(*upstream).streamDataField, (*upstream).streamData},
	14: {(*upstream).streamEndField, (*upstream).streamEnd},
	15: {(*upstream).groupStateField, (*upstream).setGroupState},
	16: {(*upstream).groupField, func(u *upstream) hub.Request {
		return hub.SubscribeGroupState{Group: u.groupName(), AckID: u.ackID.pointer()}
	}},
	17: {(*upstream).groupField, func(u *upstream) hub.Request {
		return hub.UnsubscribeGroupState{Group: u.groupName(), AckID: u.ackID.pointer()}
	}},
}

// upstream holds the fields of the one case of an UpstreamMessage.
type upstream struct {
	number int   // of the case; zero for none
	err    error // the first rule that the values break

	group, event, id []byte
	ackID            optional
	sequenceID       optional
	noEcho           bool
	ttl              uint64 // seconds
	metadata         map[string]string
	data             payload
	stream           struct {
		present bool
		id      []byte
		idle    optional // milliseconds
	}
	failure struct {
		present       bool
		message, code []byte
	}
	state struct {
		present bool
		entries map[string]string
	}
}

// payload is a MessageData.
type payload struct {
	present bool
	kind    wire.DataType // DataNone: no case
	bytes   []byte
}

// readProtobuf decodes an UpstreamMessage. The last case of its oneof counts, and several
// messages of that case are merged.
func readProtobuf(frame []byte) (hub.Request, error) {
	var u upstream
	var f, m fields
	for f.rest = frame; f.next(); {
		var ok bool
		if m, ok = f.message(); !ok || f.number >= len(operations) || operations[f.number].field == nil {
			continue
		}
		if u.number != f.number {
			u = upstream{number: f.number}
		}
		for m.next() {
			operations[f.number].field(&u, &m)
		}
		f.check(m.err)
	}
	if f.err != nil {
		return nil, f.err
	}
	if u.number == 0 {
		return nil, errors.New("frame has no message that is known")
	}
	if req := operations[u.number].request(&u); u.err == nil {
		return req, nil
	}
	return nil, u.err
}

func (u *upstream) groupField(f *fields) {
	switch f.number {
	case 1:
		f.text(&u.group)
	case 2:
		f.unsigned(&u.ackID)
	}
}

func (u *upstream) idField(f *fields) {
	if f.number == 1 {
		f.text(&u.id)
	}
}

func (u *upstream) sequenceAckField(f *fields) {
	if f.number == 1 {
		f.unsigned(&u.sequenceID)
	}
}

func (u *upstream) sendToGroupField(f *fields) {
	switch f.number {
	case 1, 2:
		u.groupField(f)
	case 3:
		u.data.read(f)
	case 4:
		if f.kind == protowire.VarintType {
			u.noEcho = protowire.DecodeBool(f.varint)
		}
	case 5:
		if f.kind == protowire.VarintType {
			u.ttl = f.varint & math.MaxUint32 // as Google's decoders do
		}
	case 6:
		f.entry(&u.metadata)
	case 7:
		u.streamStartField(f)
	}
}

func (u *upstream) eventField(f *fields) {
	switch f.number {
	case 1:
		f.text(&u.event)
	case 2:
		u.data.read(f)
	case 3:
		f.unsigned(&u.ackID)
	case 4:
		f.entry(&u.metadata)
	case 5:
		u.streamStartField(f)
	}
}

func (u *upstream) invokeField(f *fields) {
	switch f.number {
	case 1:
		f.text(&u.event)
	case 2:
		f.text(&u.id)
	case 3:
		u.data.read(f)
	case 4:
		f.entry(&u.metadata)
	case 5:
		u.streamStartField(f)
	}
}

func (u *upstream) streamStartField(f *fields) {
	m, ok := f.message()
	if !ok {
		return
	}
	u.stream.present = true
	for m.next() {
		switch m.number {
		case 1:
			m.text(&u.stream.id)
		case 2:
			m.unsigned(&u.stream.idle)
		}
	}
	f.check(m.err)
}

func (u *upstream) streamDataField(f *fields) {
	switch f.number {
	case 1:
		f.text(&u.id)
	case 2:
		f.unsigned(&u.sequenceID)
	case 3:
		u.data.read(f)
	}
}

func (u *upstream) streamEndField(f *fields) {
	switch f.number {
	case 1:
		f.text(&u.id)
	case 2:
		m, ok := f.message()
		if !ok {
			return
		}
		u.failure.present = true
		for m.next() {
			switch m.number {
			case 1:
				m.text(&u.failure.message)
			case 2:
				m.text(&u.failure.code)
			}
		}
		f.check(m.err)
	}
}

func (u *upstream) groupStateField(f *fields) {
	if f.number != 3 {
		u.groupField(f)
		return
	}
	m, ok := f.message()
	if !ok {
		return
	}
	u.state.present = true
	for m.next() {
		if m.number == 1 {
			m.entry(&u.state.entries)
		}
	}
	f.check(m.err)
}

// read reads a MessageData. The last case of its oneof counts.
func (p *payload) read(f *fields) {
	m, ok := f.message()
	if !ok {
		return
	}
	p.present = true
	for m.next() {
		if m.kind != protowire.BytesType {
			continue
		}
		switch m.number {
		case 1:
			p.kind = hub.Text
			m.text(&p.bytes)
		case 2:
			p.kind, p.bytes = hub.Binary, m.bytes
		case 3:
			m.check(protoany.Check(m.bytes))
			if p.kind != hub.Protobuf {
				p.kind, p.bytes = hub.Protobuf, slices.Clip(m.bytes)
			} else { // serialized messages are merged by appending
				p.bytes = append(p.bytes, m.bytes...)
			}
		case 4:
			p.kind = hub.JSON
			m.text(&p.bytes)
		}
	}
	f.check(m.err)
}
