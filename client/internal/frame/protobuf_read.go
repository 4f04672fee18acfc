package frame

// The cases of the oneof in DownstreamMessage.
const (
	caseAck            = 1<<3 | length
	caseData           = 2<<3 | length
	caseSystem         = 3<<3 | length
	casePong           = 4<<3 | length
	caseInvokeResponse = 5<<3 | length
	caseStreamAck      = 6<<3 | length
	caseStreamNack     = 7<<3 | length
	caseStreamClosed   = 8<<3 | length
	caseStateUpdate    = 9<<3 | length
	caseStateSnapshot  = 10<<3 | length
)

// protobufReader reads one frame. The last case of a oneof counts. A case that is
// repeated is merged: its fields are read over those already there.
type protobufReader struct {
	f       *Frame
	message uint64 // the case of DownstreamMessage; 0: none
	system  uint64 // the case of SystemMessage
	from    Kind   // of a DataMessage
	name    string // of a StreamNackMessage
	entries int    // of all states
}

// Decode decodes a frame in one pass.
func (ProtobufCodec) Decode(b []byte, f *Frame) error {
	*f = Frame{}
	r := protobufReader{f: f}
	err := r.downstream(b)
	if err == nil {
		err = r.finish()
	}
	if err != nil {
		id := f.ID
		*f = Frame{Sequence: protobufSequence(b)}
		if r.message == caseInvokeResponse && id != "" {
			f.Kind, f.ID = InvokeResponse, id
		}
	}
	return err
}

func (r *protobufReader) downstream(b []byte) error {
	in := fieldsOf(b)
	for in.next() {
		if !isCase(in.tag) {
			continue
		}
		if r.message != in.tag {
			*r.f = Frame{}
			*r = protobufReader{f: r.f, message: in.tag}
		}
		var err error
		switch in.tag {
		case caseAck:
			err = r.ack(in.bytes)
		case caseData:
			err = r.data(in.bytes)
		case caseSystem:
			err = r.systemMessage(in.bytes)
		case casePong:
			err = r.pong(in.bytes)
		case caseInvokeResponse:
			err = r.invokeResponse(in.bytes)
		case caseStreamAck, caseStreamNack, caseStreamClosed:
			err = r.streamAnswer(in.bytes)
		case caseStateUpdate, caseStateSnapshot:
			err = r.states(in.bytes)
		}
		in.fail(err)
	}
	return in.err
}

// isCase reports whether a field is a case that this version knows.
func isCase(tag uint64) bool { return caseAck <= tag && tag <= caseStateSnapshot && tag&7 == length }

func (r *protobufReader) ack(b []byte) error {
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | varint:
			r.f.AckID = in.number
		case 2<<3 | varint:
			r.f.Success = in.number != 0
		case 3<<3 | length:
			in.fail(r.failure(in.bytes))
		}
	}
	return in.err
}

func (r *protobufReader) data(b []byte) error {
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | length:
			r.from = fromOf(&in)
		case 2<<3 | length:
			r.f.Group = in.text()
		case 3<<3 | length:
			in.fail(readPayload(in.bytes, &r.f.Data))
		case 4<<3 | varint:
			r.f.Sequence = in.number
		case 5<<3 | length:
			in.fail(readEntry(in.bytes, &r.f.Metadata))
		case 6<<3 | length:
			in.fail(r.stream(in.bytes))
		}
	}
	return in.err
}

func fromOf(in *fields) Kind {
	switch string(in.bytes) {
	case "group":
		return GroupMessage
	case "server":
		return ServerMessage
	}
	in.text()
	return Unknown
}

func (r *protobufReader) stream(b []byte) error {
	if r.f.Stream == nil {
		r.f.Stream = new(Stream)
	}
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | length:
			r.f.Stream.ID = in.text()
		case 2<<3 | varint:
			r.f.Stream.Sequence = in.number
		case 3<<3 | varint:
			r.f.Stream.End = in.number != 0
		case 4<<3 | length:
			in.fail(readFailureFields(in.bytes, &r.f.Stream.Failure, true))
		}
	}
	return in.err
}

func (r *protobufReader) systemMessage(b []byte) error {
	const connected, disconnected = 1<<3 | length, 2<<3 | length
	in := fieldsOf(b)
	for in.next() {
		if in.tag != connected && in.tag != disconnected {
			continue
		}
		if r.system != in.tag {
			*r.f = Frame{}
			r.system = in.tag
		}
		if in.tag == connected {
			r.f.Kind = Connected
			in.fail(r.connected(in.bytes))
		} else {
			r.f.Kind = Disconnected
			in.fail(r.disconnected(in.bytes))
		}
	}
	return in.err
}

func (r *protobufReader) connected(b []byte) error {
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | length:
			r.f.ID = in.text()
		case 2<<3 | length:
			r.f.UserID = in.text()
		case 3<<3 | length:
			r.f.Token = in.text()
		}
	}
	return in.err
}

func (r *protobufReader) disconnected(b []byte) error {
	in := fieldsOf(b)
	for in.next() {
		if in.tag == 2<<3|length { // there is no field 1
			r.f.Message = in.text()
		}
	}
	return in.err
}

func (*protobufReader) pong(b []byte) error {
	in := fieldsOf(b)
	for in.next() {
		continue
	}
	return in.err
}

func (r *protobufReader) invokeResponse(b []byte) error {
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | length:
			r.f.ID = in.text()
		case 2<<3 | varint:
			r.f.Success = in.number != 0
		case 3<<3 | length:
			in.fail(readPayload(in.bytes, &r.f.Data))
		case 4<<3 | length:
			in.fail(r.failure(in.bytes))
		case 5<<3 | length:
			in.fail(readEntry(in.bytes, &r.f.Metadata))
		}
	}
	return in.err
}

// streamAnswer reads a StreamAckMessage, StreamNackMessage or StreamClosedMessage.
// Their fields have different numbers.
func (r *protobufReader) streamAnswer(b []byte) error {
	in := fieldsOf(b)
	for in.next() {
		switch {
		case in.tag == 1<<3|length:
			r.f.ID = in.text()
		case r.message == caseStreamAck && in.tag == 2<<3|varint:
			r.f.Expected = in.number
		case r.message == caseStreamNack && in.tag == 2<<3|length:
			r.name = in.text()
		case r.message == caseStreamNack && in.tag == 3<<3|length:
			r.f.Message = in.text()
		case r.message == caseStreamNack && in.tag == 4<<3|varint:
			r.f.Expected = in.number
		case r.message == caseStreamClosed && in.tag == 2<<3|length:
			in.fail(r.failure(in.bytes))
		}
	}
	return in.err
}

// failure reads the error of an answer to the client, which has no userErrorCode.
func (r *protobufReader) failure(b []byte) error {
	return readFailureFields(b, &r.f.Failure, false)
}

// finish determines the kind of the frame and checks the fields that it requires.
func (r *protobufReader) finish() error {
	f := r.f
	switch r.message {
	case caseAck:
		f.Kind = Ack
		return nil
	case casePong:
		f.Kind = Pong
		return nil
	case caseData:
		return r.finishData()
	case caseSystem:
		if f.Kind != Connected { // there, the kind is known
			return nil
		}
	case caseInvokeResponse:
		f.Kind = InvokeResponse
		if !f.Success {
			f.Data = Data{}
		}
	case caseStreamAck:
		f.Kind = StreamAck
	case caseStreamNack:
		f.Kind = StreamNack
		f.Failure = &Failure{Name: r.name, Message: f.Message}
	case caseStreamClosed:
		f.Kind = StreamClosed
	case caseStateUpdate:
		return f.setStates(GroupStateUpdate)
	case caseStateSnapshot:
		return f.setStates(GroupStateSnapshot)
	default:
		return nil
	}
	if f.ID == "" {
		return errNoID
	}
	return nil
}

func (r *protobufReader) finishData() error {
	f := r.f
	if f.Kind = r.from; f.Kind == Unknown {
		return nil
	}
	if f.Stream != nil && (f.Stream.ID == "" || f.Stream.Sequence == 0) {
		return errNoStream
	}
	if f.Data.Type == None {
		if f.Stream == nil || !f.Stream.End {
			return errNoPayload
		}
		f.Data.Type = Text // the end of a stream carries nothing
	}
	return nil
}
