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

// refuseUnverified is refuse for a request that failed verification. The answer does not
// have the reason: a stranger must not learn whether the origin or the signature was
// wrong. That there is no signature, the stranger knows; behind a proxy that removes it,
// the answer is how others learn it.
func (o *Outcome) refuseUnverified(header http.Header, err error) answer {
	if chosen, panicked := choice(err); panicked || chosen != nil {
		return o.refuse(ReasonUnverified, err)
	}
	o.Kind, o.Reason, o.Err = OutcomeRefused, ReasonUnverified, err
	if len(header[wire.HeaderSignature]) == 0 && len(header[wire.HeaderAuthorization]) == 0 {
		return textAnswer(http.StatusUnauthorized, "header ce-signature is missing, so nothing proves that the service sent this; proxies must pass on all ce- headers")
	}
	return textAnswer(http.StatusUnauthorized, "origin and signature do not prove that the service sent this; compare its connection string with the handler's")
}

// refuseEvent is refuse for an error of reading, decoding or handling an event.
func (h *Handler) refuseEvent(ctx context.Context, ev Event, o *Outcome, reason RefusalReason, err error) answer {
	v := o.refused(reason, err)
	if v.refused && v.chosen == nil {
		o.Reason = ReasonPayload
	}
	switch ev := ev.(type) {
	case *ConnectEvent:
		if ev.MQTT != nil {
			return mqttRefusal(ev, &v)
		}
	case *UserEvent:
		if h.refusalReply == nil || !v.refused {
			break
		}
		reply, replies, err := h.replyToRefusal(ctx, ev, &v, o.Err)
		if o.ReplyErr = err; replies && err == nil {
			return reply
		}
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
	if ev.MQTT != nil || status == http.StatusRequestTimeout || status >= 500 {
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
