package inspect

import "github.com/go-webpubsub/webpubsub/emulator/internal/trace"

// Levels of records.
const (
	levelInfo  = "info"
	levelWarn  = "warn"
	levelError = "error"
)

// kinds are the names and levels of the kinds of records.
var kinds = map[trace.Kind]struct{ name, level string }{
	trace.KindHandshake:              {"client.handshake", levelInfo},
	trace.KindClientConnected:        {"client.connected", levelInfo},
	trace.KindClientRefused:          {"client.refused", levelWarn},
	trace.KindClientGone:             {"client.gone", levelInfo},
	trace.KindClientLost:             {"client.lost", levelInfo},
	trace.KindClientRecovered:        {"client.recovered", levelInfo},
	trace.KindRecoveryRefused:        {"client.recoveryRefused", levelWarn},
	trace.KindHandshakeFailed:        {"client.handshakeFailed", levelWarn},
	trace.KindRoleIgnored:            {"client.roleIgnored", levelWarn},
	trace.KindRolesLeftOut:           {"client.rolesLeftOut", levelWarn},
	trace.KindNoSubprotocol:          {"client.noSubprotocol", levelWarn},
	trace.KindPingUnanswered:         {"client.pingUnanswered", levelWarn},
	trace.KindFrameInvalid:           {"client.frameInvalid", levelWarn},
	trace.KindRequestRefused:         {"client.requestRefused", levelWarn},
	trace.KindFrameIn:                {"frame.in", levelInfo},
	trace.KindFrameOut:               {"frame.out", levelInfo},
	trace.KindAck:                    {"ack", levelInfo},
	trace.KindGroupJoined:            {"group.joined", levelInfo},
	trace.KindGroupLeft:              {"group.left", levelInfo},
	trace.KindGroupStateSet:          {"groupState.set", levelInfo},
	trace.KindGroupStateCleared:      {"groupState.cleared", levelInfo},
	trace.KindGroupStateSubscribed:   {"groupState.subscribed", levelInfo},
	trace.KindGroupStateUnsubscribed: {"groupState.unsubscribed", levelInfo},
	trace.KindPermissionGranted:      {"permission.granted", levelInfo},
	trace.KindPermissionRevoked:      {"permission.revoked", levelInfo},
	trace.KindEventDelivered:         {"event.delivered", levelInfo},
	trace.KindEventRefused:           {"event.refused", levelWarn},
	trace.KindEventNotDelivered:      {"event.notDelivered", levelWarn},
	trace.KindEventNoHandler:         {"event.noHandler", levelWarn},
	trace.KindEventCancelled:         {"event.cancelled", levelInfo},
	trace.KindEventDropped:           {"event.dropped", levelInfo},
	trace.KindEventNotWritten:        {"event.notWritten", levelError},
	trace.KindEventAnswerUnusable:    {"event.answerUnusable", levelWarn},
	trace.KindEventsDropping:         {"events.dropping", levelWarn},
	trace.KindEventsDropped:          {"events.dropped", levelWarn},
	trace.KindValidationPassed:       {"validation.passed", levelInfo},
	trace.KindValidationFailed:       {"validation.failed", levelWarn},
	trace.KindRESTCall:               {"rest.call", levelInfo},
	trace.KindRESTCallRefused:        {"rest.refused", levelWarn},
	trace.KindForeignRefused:         {"foreign.refused", levelWarn},
}

// isKind reports whether a record can have a kind.
func isKind(name string) bool {
	for _, k := range kinds {
		if k.name == name {
			return true
		}
	}
	return false
}
