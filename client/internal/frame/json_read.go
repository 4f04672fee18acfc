package frame

import (
	"encoding/base64"
	"errors"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// ruleOnce rejects repeated members: a reader of the first and a reader of the last
// would see two different frames.
const ruleOnce = "want each member once"

const ruleMaxMetadata = "want at most 8192 names in metadata" // maxMetadata

// Errors of frames that are JSON. They do not quote the frame, which contains
// messages and tokens.
var (
	errNotUTF8   = errors.New("frame is not UTF-8")
	errNoType    = errors.New("member type is missing")
	errNoAckID   = errors.New("member ackId is missing")
	errNoID      = errors.New("the id of the connection, stream or invocation is missing")
	errNoData    = errors.New("member data is missing or null")
	errDataType  = errors.New("member dataType is missing or unknown")
	errNotString = errors.New("member data is not a string")
	errBase64    = errors.New("member data is not base64")
	errNoStream  = errors.New("the id of a stream is missing, or its sequence id is 0")
)

// members is the set of the members that a frame has.
type members uint32

const (
	hasAckID members = 1 << iota
	hasData
	hasType
	hasExpected
	hasSuccess
	hasDataType
	hasFrom
	hasEvent
	hasGroup
	hasSender
	hasUser
	hasConnection
	hasToken
	hasMessage
	hasSequence
	hasStreamID
	hasInvocation
	hasName
	hasError
	hasMetadata
	hasStream
	hasItems
)

// jsonReader reads one frame.
type jsonReader struct {
	s jsonscan.Scanner
	f *Frame

	foreign bool // a frame of an unknown type; its members have unknown meanings

	seen                    members
	kind, from, event       string
	dataType, data          string
	connection, stream, inv string
	name                    string
}

// Decode decodes a frame in one pass over its text.
func (JSONCodec) Decode(b []byte, f *Frame) error {
	*f = Frame{}
	text := string(b) // the strings in f are parts of it
	if !utf8.ValidString(text) {
		f.Sequence = sequenceOf(text)
		return errNotUTF8
	}
	r := jsonReader{s: jsonscan.New(text), f: f}
	for more := r.s.Object(); more; more = r.s.More('}') {
		at := r.s.Pos()
		m := r.member(r.s.Name())
		if r.seen&m != 0 {
			r.s.Fail(at, ruleOnce)
		}
		r.seen |= m
	}
	r.s.End()
	if err := r.s.Err(); err != nil {
		*f = Frame{Sequence: sequenceOf(text)}
		return err
	}
	return r.finish()
}

// member reads a member and returns its bit; 0 if the member has no meaning here.
func (r *jsonReader) member(name string) (bit members) {
	s, f := &r.s, r.f
	if r.foreign {
		s.Skip()
		return 0
	}
	switch name {
	case "type":
		bit, r.kind = hasType, s.Text()
		r.foreign = !known(r.kind)
	case "from":
		bit, r.from = hasFrom, s.TextOrNull()
	case "event":
		bit, r.event = hasEvent, s.TextOrNull()
	case "group":
		bit, f.Group = hasGroup, s.TextOrNull()
	case "fromUserId":
		bit, f.UserID = hasSender, s.TextOrNull()
	case "dataType":
		bit, r.dataType = hasDataType, s.TextOrNull()
	case "data":
		bit, r.data = hasData, s.Raw()
	case "sequenceId":
		bit, f.Sequence = hasSequence, uintOrNull(s)
	case "ackId":
		bit, f.AckID = hasAckID, s.Uint()
	case "success":
		bit, f.Success = hasSuccess, s.Bool()
	case "error":
		bit, f.Failure = hasError, readFailure(s)
	default:
		return r.rareMember(name)
	}
	return bit
}

func known(kind string) bool {
	switch kind {
	case "message", "ack", "system", "pong", "streamAck", "streamNack", "streamClosed", "invokeResponse", "groupStateUpdate", "groupStateSnapshot":
		return true
	}
	return false
}

// rareMember reads the members that are not in ordinary messages.
func (r *jsonReader) rareMember(name string) (bit members) {
	s, f := &r.s, r.f
	switch name {
	case "metadata":
		bit, f.Metadata = hasMetadata, readMetadata(s)
	case "stream":
		bit, f.Stream = hasStream, readStream(s)
	case "userId":
		bit, f.UserID = hasUser, s.TextOrNull()
	case "connectionId":
		bit, r.connection = hasConnection, s.TextOrNull()
	case "reconnectionToken":
		bit, f.Token = hasToken, s.TextOrNull()
	case "message":
		bit, f.Message = hasMessage, s.TextOrNull()
	case "streamId":
		bit, r.stream = hasStreamID, s.TextOrNull()
	case "invocationId":
		bit, r.inv = hasInvocation, s.TextOrNull()
	case "expectedSequenceId":
		bit, f.Expected = hasExpected, s.Uint()
	case "name":
		bit, r.name = hasName, s.TextOrNull()
	case "items":
		bit, f.States = hasItems, readStates(s)
	default:
		s.Skip()
	}
	return bit
}

// finish determines the kind of the frame and checks the members that it requires.
func (r *jsonReader) finish() error {
	if r.seen&hasType == 0 {
		return errNoType
	}
	f := r.f
	switch r.kind {
	case "message":
		switch r.from {
		case "group":
			f.Kind = GroupMessage
		case "server":
			f.Kind = ServerMessage
		default:
			return nil
		}
		if f.Stream != nil && (f.Stream.ID == "" || f.Stream.Sequence == 0) {
			return errNoStream
		}
		return r.readData()
	case "ack":
		if f.Kind = Ack; r.seen&hasAckID == 0 {
			return errNoAckID
		}
		return nil
	case "system":
		if r.event == "disconnected" {
			f.Kind = Disconnected
		}
		if r.event != "connected" {
			return nil
		}
		f.Kind, f.ID = Connected, r.connection
	case "pong":
		f.Kind = Pong
		return nil
	case "streamAck":
		f.Kind, f.ID = StreamAck, r.stream
	case "streamNack":
		f.Kind, f.ID = StreamNack, r.stream
		f.Failure = &Failure{Name: r.name, Message: f.Message}
	case "streamClosed":
		f.Kind, f.ID = StreamClosed, r.stream
	case "invokeResponse":
		f.Kind, f.ID = InvokeResponse, r.inv
		if f.ID != "" && f.Success && r.seen&hasData != 0 && r.data != "null" {
			return r.readData()
		}
	case "groupStateUpdate":
		return f.setStates(GroupStateUpdate)
	case "groupStateSnapshot":
		return f.setStates(GroupStateSnapshot)
	default:
		return nil
	}
	if f.ID == "" {
		return errNoID
	}
	return nil
}

// readData decodes data according to dataType.
func (r *jsonReader) readData() error {
	if r.seen&hasData == 0 || r.data == "null" {
		return errNoData
	}
	d := &r.f.Data
	var ok bool
	if d.Type, ok = wire.DataTypeNamed(r.dataType); !ok {
		return errDataType
	}
	if d.Type == JSON {
		d.Text = r.data
		return nil
	}
	text, ok := jsonscan.Unquote(r.data)
	if !ok {
		return errNotString
	}
	if d.Type == Text {
		d.Text = text
		return nil
	}
	var err error
	if d.Bytes, err = base64.StdEncoding.DecodeString(text); err != nil {
		return errBase64
	}
	return nil
}

func uintOrNull(s *jsonscan.Scanner) uint64 {
	if s.Null() {
		return 0
	}
	return s.Uint()
}

func readFailure(s *jsonscan.Scanner) *Failure {
	if s.Null() {
		return nil
	}
	f := new(Failure)
	for more := s.Object(); more; more = s.More('}') {
		switch s.Name() {
		case "name":
			f.Name = s.TextOrNull()
		case "message":
			f.Message = s.TextOrNull()
		case "userErrorCode":
			f.UserErrorCode = s.TextOrNull()
		default:
			s.Skip()
		}
	}
	return f
}

func readMetadata(s *jsonscan.Scanner) map[string]string {
	if s.Null() {
		return nil
	}
	m := make(map[string]string)
	for more := s.Object(); more; more = s.More('}') {
		at := s.Pos()
		name := s.Name()
		had := len(m)
		m[name] = s.TextOrNull()
		switch len(m) {
		case had:
			s.Fail(at, ruleOnce)
		case maxMetadata + 1:
			s.Fail(at, ruleMaxMetadata)
		}
	}
	return m
}

func readStream(s *jsonscan.Scanner) *Stream {
	if s.Null() {
		return nil
	}
	out := new(Stream)
	for more := s.Object(); more; more = s.More('}') {
		switch s.Name() {
		case "streamId":
			out.ID = s.TextOrNull()
		case "streamSequenceId":
			out.Sequence = uintOrNull(s)
		case "endOfStream":
			out.End = !s.Null() && s.Bool()
		case "error":
			out.Failure = readFailure(s)
		default:
			s.Skip()
		}
	}
	return out
}
