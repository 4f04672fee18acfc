package frame

import (
	"errors"

	"github.com/go-webpubsub/webpubsub/internal/protoany"
)

// Errors of frames that are protobuf messages. Like those of JSON, they do not quote
// the frame.
var (
	errNoPayload = errors.New("field data is missing or has no payload")
	errMetadata  = errors.New(ruleMaxMetadata)
	errStates    = errors.New(ruleMaxStates)
	errEntries   = errors.New(ruleMaxEntries)
	errAny       = errors.New("field protobuf_data is not a google.protobuf.Any")
)

// readPayload reads a MessageData. d has the payload of an earlier occurrence, if
// there was one.
func readPayload(b []byte, d *Data) error {
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | length:
			*d = Data{Type: Text, Text: in.text()}
		case 2<<3 | length:
			*d = Data{Type: Binary, Bytes: append([]byte{}, in.bytes...)}
		case 3<<3 | length:
			if protoany.Check(in.bytes) != nil {
				in.fail(errAny)
			}
			if d.Type != Protobuf {
				*d = Data{Type: Protobuf, Bytes: []byte{}}
			}
			d.Bytes = append(d.Bytes, in.bytes...) // merges two messages
		case 4<<3 | length:
			*d = Data{Type: JSON, Text: in.text()}
		}
	}
	return in.err
}

// readEntry reads an entry of a map. The last one of a key counts.
func readEntry(b []byte, m *map[string]string) error {
	var key, value string
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | length:
			key = in.text()
		case 2<<3 | length:
			value = in.text()
		}
	}
	if in.err != nil {
		return in.err
	}
	if *m == nil {
		*m = make(map[string]string)
	}
	if (*m)[key] = value; len(*m) > maxMetadata {
		return errMetadata
	}
	return nil
}

// readFailureFields reads an error. Only that of a stream has a user error code.
func readFailureFields(b []byte, f **Failure, hasCode bool) error {
	if *f == nil {
		*f = new(Failure)
	}
	in := fieldsOf(b)
	for in.next() {
		switch {
		case in.tag == 1<<3|length:
			(*f).Name = in.text()
		case in.tag == 2<<3|length:
			(*f).Message = in.text()
		case hasCode && in.tag == 3<<3|length:
			(*f).UserErrorCode = in.text()
		}
	}
	return in.err
}

// states reads a GroupStateUpdateMessage or GroupStateSnapshotMessage.
func (r *protobufReader) states(b []byte) error {
	f := r.f
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | length:
			f.Group = in.text()
		case 2<<3 | length:
			if len(f.States) == maxStates {
				return errStates
			}
			f.States = append(f.States, State{})
			in.fail(r.state(in.bytes, &f.States[len(f.States)-1]))
		case 3<<3 | varint:
			f.Sequence = in.number
		}
	}
	return in.err
}

// state reads a GroupStateItem.
func (r *protobufReader) state(b []byte, s *State) error {
	in := fieldsOf(b)
	for in.next() {
		switch in.tag {
		case 1<<3 | length:
			s.ConnectionID = in.text()
		case 2<<3 | length:
			s.UserID = in.text()
		case 3<<3 | length:
			if s.Entries == nil {
				s.Entries = make(map[string]string)
			}
			in.fail(r.stateEntries(in.bytes, s.Entries))
		case 4<<3 | varint:
			s.UpdatedAt = int64(in.number) //nolint:gosec // as the wire has it
		}
	}
	return in.err
}

// stateEntries reads a GroupState.
func (r *protobufReader) stateEntries(b []byte, entries map[string]string) error {
	in := fieldsOf(b)
	for in.next() {
		if in.tag != 1<<3|length {
			continue
		}
		before := len(entries)
		in.fail(readEntry(in.bytes, &entries))
		if r.entries += len(entries) - before; r.entries > maxEntries {
			return errEntries
		}
	}
	return in.err
}

// protobufSequence returns the sequence id of a frame that cannot be decoded, or 0 if
// it finds none. Such a frame has to be acknowledged too; see [sequenceOf]. Fields
// before the invalid part are enough.
func protobufSequence(b []byte) (sequence uint64) {
	message := uint64(0)
	for in := fieldsOf(b); in.next(); {
		if !isCase(in.tag) {
			continue
		}
		if message != in.tag {
			message, sequence = in.tag, 0
		}
		id := uint64(0)
		switch message {
		case caseData:
			id = 4<<3 | varint
		case caseStateUpdate, caseStateSnapshot:
			id = 3<<3 | varint
		}
		for field := fieldsOf(in.bytes); id != 0 && field.next(); {
			if field.tag == id {
				sequence = field.number
			}
		}
	}
	return sequence
}
