package webpubsub

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/go-webpubsub/webpubsub/internal/wire"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// refuse records why a request is refused, and returns the answer. Any stranger may
// read it.
func (o *Outcome) refuse(reason RefusalReason, err error) answer {
	v := o.refused(reason, err)
	return textAnswer(v.status, v.public)
}

func (o *Outcome) refused(reason RefusalReason, err error) verdict {
	o.Kind, o.Reason, o.Err = OutcomeRefused, reason, err
	return judge(err)
}

// The answers to requests that failed verification. They are short enough for the log of
// an emulator.
const (
	unverifiedUnsigned = "header ce-signature is missing, so nothing proves that the service sent this; proxies must pass on all ce- headers"
	unverifiedByKey    = "origin and signature do not prove that the service sent this; compare its connection string with the handler's"
	unverifiedByOther  = "origin, signature or token do not prove that the service sent this; compare its settings with the handler's Config"
)

// refuseUnverified is refuse for a request that failed verification. The answer does not
// have the reason: a stranger must not learn whether the origin, the signature or a token
// was wrong. That there is no signature, the stranger knows; behind a proxy that removes
// it, the answer is how others learn it.
func (o *Outcome) refuseUnverified(h *Handler, header http.Header, err error) answer {
	if chosen, panicked := choice(err); panicked || chosen != nil {
		return o.refuse(ReasonUnverified, err)
	}
	o.Kind, o.Reason, o.Err = OutcomeRefused, ReasonUnverified, err
	text := unverifiedByKey
	if _, hasKeys := h.verifier.(*AccessKeys); h.verifier != nil && !hasKeys {
		text = unverifiedByOther
	} else if len(header[wire.HeaderSignature]) == 0 {
		text = unverifiedUnsigned
	}
	return textAnswer(http.StatusUnauthorized, text)
}

// refuseEvent is refuse for an error of reading, decoding or handling an event.
func (h *Handler) refuseEvent(ctx context.Context, ev Event, o *Outcome, reason RefusalReason, err error) answer {
	v := o.refused(reason, err)
	if v.refused && v.chosen == nil {
		o.Reason = ReasonPayload
	}
	if ev, ok := ev.(*UserEvent); ok && h.refusalReply != nil && v.refused {
		reply, replies, err := h.replyToRefusal(ctx, ev, &v, o.Err)
		if o.ReplyErr = err; replies && err == nil {
			return reply
		}
	}
	return refusal(ev, v)
}

// refusal returns the answer that refuses an event.
func refusal(ev Event, v verdict) answer {
	if connect, ok := ev.(*ConnectEvent); ok && connect.MQTT != nil {
		return mqttRefusal(connect, &v)
	}
	return textAnswer(v.status, v.public)
}

// mqttRefusal returns the refusal of an MQTT connect event, with the code for the
// CONNACK packet.
func mqttRefusal(ev *ConnectEvent, v *verdict) answer {
	var version mqtt.Version
	if ev.MQTTConnect != nil {
		version = ev.MQTTConnect.ProtocolVersion
	}
	refusal := mqtt.Refusal{Code: mqtt.ConnectCodeOf(v.status, version)}
	if v.chosen != nil {
		refusal.Reason, refusal.UserProperties = v.chosen.Message, v.chosen.MQTTUserProperties
		if v.chosen.MQTTCode.ValidFor(version) {
			refusal.Code = v.chosen.MQTTCode
		}
	}
	data, _ := json.Marshal(map[string]mqtt.Refusal{"mqtt": refusal}) // numbers and strings always encode
	return answer{status: v.status, contentType: contentJSON, data: data}
}

// replyToRefusal calls RefusalReply. The caller answers with the refusal if it fails:
// after a 500 the service would deliver the event again.
func (h *Handler) replyToRefusal(ctx context.Context, ev *UserEvent, v *verdict, cause error) (out answer, replies bool, err error) {
	refusal := v.chosen
	if refusal == nil {
		refusal = &Error{Status: v.status, Message: v.public, Err: cause}
	}
	err = guard(ctx, func(ctx context.Context) (err error) {
		var reply Reply
		if reply, replies = h.refusalReply(ctx, ev, refusal); replies {
			out, err = reply.answer(ev)
		}
		return err
	})
	return out, replies, err
}

// JSONRefusal is a [Config.RefusalReply] that sends the client the status and the
// message of a refusal as JSON:
//
//	{"error":{"status":409,"message":"the price is already 12"}}
//
// It does not reply to refusals after which the service delivers the event again
// (408 and 5xx), and not to MQTT clients, to which the service sends the message and
// the status.
func JSONRefusal(_ context.Context, ev *UserEvent, err *Error) (Reply, bool) {
	status := err.status()
	if ev.MQTT != nil || isRetried(status) {
		return Reply{}, false
	}
	var body struct {
		Error struct {
			Status  int    `json:"status"`
			Message string `json:"message"`
		} `json:"error"`
	}
	body.Error.Status, body.Error.Message = status, err.Message
	if body.Error.Message == "" {
		body.Error.Message = http.StatusText(status)
	}
	return JSONReply(body), true
}
