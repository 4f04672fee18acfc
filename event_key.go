package webpubsub

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

const (
	eventKeyPrefix  = "e1-"
	eventKeyContext = "webpubsub event 1\x00"
)

// eventKey returns the key under which all deliveries of an event are known to a
// [DeduplicationStore]. It is a hash, so that its length and alphabet do not depend on the
// sender.
func eventKey(m *Meta, kind EventKind) string {
	// MQTT client ids, which are the connection ids, can come back.
	var session string
	if m.MQTT != nil {
		session = "session " + m.MQTT.SessionID
		if m.MQTT.SessionID == "" { // as in a connect event
			session = "connection " + m.MQTT.PhysicalConnectionID
		}
	}
	hash := sha256.Sum256(appendParts([]byte(eventKeyContext), strings.ToLower(m.Hub), m.ConnectionID, session, string(kind), m.ID))
	return eventKeyPrefix + base64.RawURLEncoding.EncodeToString(hash[:])
}

// appendParts appends texts, each after its length in four bytes, so that no two lists
// are encoded alike.
func appendParts(dst []byte, parts ...string) []byte {
	for _, part := range parts {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(part))) //nolint:gosec // a header is shorter
		dst = append(dst, part...)
	}
	return dst
}
