package subprotocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-webpubsub/webpubsub/emulator/internal/hub"
	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// check records an error, if there is one, unless there was one before.
func (u *upstream) check(err error) {
	if u.err == nil {
		u.err = err
	}
}

func (u *upstream) groupName() string {
	u.check(rule.AcceptGroup(string(u.group)))
	return string(u.group)
}

func (u *upstream) eventName() string {
	u.check(rule.CheckEvent(string(u.event)))
	return string(u.event)
}

// checkedID returns the id of a stream or an invocation.
func (u *upstream) checkedID(name string, id []byte) string {
	if len(id) == 0 {
		u.check(fmt.Errorf("%s is missing or empty", name))
	}
	u.check(rule.CheckID(name, string(id)))
	return string(id)
}

func (u *upstream) refuseStream() {
	if u.stream.present {
		u.check(errors.New("only send_to_group_message can start a stream"))
	}
}

// message returns the message of data and metadata.
func (u *upstream) message() *hub.Message {
	out := &hub.Message{Type: hub.Text, Data: []byte{}, Metadata: u.metadata}
	u.check(rule.CheckMetadata(u.metadata))
	switch {
	case !u.data.present && len(u.metadata) == 0:
		u.check(errors.New("data is missing"))
	case !u.data.present:
	case u.data.kind == wire.DataNone:
		u.check(errors.New("data has no case that is known"))
	default:
		out.Type, out.Data = u.data.kind, u.data.bytes
		u.check(u.data.valid())
	}
	return out
}

// valid returns an error unless the payload may be sent. Any was checked as it was read.
func (p *payload) valid() error {
	switch {
	case p.kind != hub.JSON:
		return nil
	case !json.Valid(p.bytes):
		return errors.New("json_data is not JSON")
	case string(bytes.TrimSpace(p.bytes)) == "null":
		return errors.New("json_data is null, which clients cannot receive")
	}
	return jsonscan.Check(string(p.bytes))
}

func (u *upstream) sendToGroup() hub.Request {
	group := u.groupName()
	if u.stream.present {
		return u.startStream(group)
	}
	out := hub.SendToGroup{Message: u.message(), NoEcho: u.noEcho, AckID: u.ackID.pointer()}
	out.Message.Group = group
	if most := uint64(rule.MaxTTL / time.Second); u.ttl > most {
		u.check(fmt.Errorf("ttl_seconds is %d, want 0 to %d", u.ttl, most))
	} else {
		out.TTL = time.Duration(u.ttl) * time.Second
	}
	return out
}

func (u *upstream) startStream(group string) hub.Request {
	if u.data.present || u.ackID.present {
		u.check(errors.New("data and ack_id are not allowed with stream"))
	}
	out := hub.StartStream{ID: u.checkedID("stream_id", u.stream.id), Group: group, NoEcho: u.noEcho}
	if u.stream.idle.present {
		out.Idle = time.Duration(u.stream.idle.value&math.MaxUint32) * time.Millisecond
		if out.Idle == 0 {
			u.check(errors.New("idle_timeout_ms is 0"))
		}
	}
	return out
}

func (u *upstream) invoke() hub.Request {
	u.refuseStream()
	out := hub.Invoke{ID: u.checkedID("invocation_id", u.id), Event: u.eventName(), Message: &hub.Message{Type: hub.Text}}
	if u.data.present || len(u.metadata) > 0 {
		out.Message = u.message()
	}
	return out
}

func (u *upstream) streamData() hub.Request {
	out := hub.StreamData{ID: u.checkedID("stream_id", u.id)}
	switch {
	case !u.sequenceID.present && !u.data.present:
	case u.sequenceID.value == 0 || !u.data.present:
		u.check(errors.New("stream_sequence_id (1 or more) and data must be both present or both absent"))
	default:
		out.Sequence, out.Message = u.sequenceID.value, u.message()
	}
	return out
}

func (u *upstream) streamEnd() hub.Request {
	out := hub.StreamEnd{ID: u.checkedID("stream_id", u.id)}
	if u.failure.present {
		out.Error = &hub.RequestError{Name: "UserError", Message: string(u.failure.message), UserErrorCode: string(u.failure.code)}
	}
	return out
}

func (u *upstream) setGroupState() hub.Request {
	out := hub.SetGroupState{Group: u.groupName(), State: u.state.entries, AckID: u.ackID.pointer()}
	if u.state.present && out.State == nil {
		out.State = map[string]string{}
	}
	return out
}
