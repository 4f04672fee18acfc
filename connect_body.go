package webpubsub

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// A connect body is decoded by a [jsonscan.Scanner], which takes a fifth of the time of
// encoding/json. Its strings are parts of one string and its lists parts of one
// slice: keeping one of them keeps all of them in memory.

// connectMember is a member of a connect body, or several.
type connectMember uint8

const (
	memberClaims connectMember = 1 << iota
	memberQuery
	memberHeaders
	memberSubprotocols
	memberCertificates
	memberMQTT
)

// connectMemberOf returns the member of a name, zero if it is unknown.
func connectMemberOf(name string) connectMember {
	switch name {
	case "claims":
		return memberClaims
	case "query":
		return memberQuery
	case "headers":
		return memberHeaders
	case "subprotocols":
		return memberSubprotocols
	case "clientCertificates":
		return memberCertificates
	case "mqtt":
		return memberMQTT
	}
	return 0
}

// ruleOnce is the rule that a repeated member violates: programs do not agree on
// which of several members counts. The service does not repeat members.
const ruleOnce = "want each member once"

// namedList is a member of claims, query or headers: its name, the name's position, and
// the range of its values among those of the body.
type namedList struct {
	name   string
	at     int
	lo, hi int
}

// The numbers of lists that are collected on the stack, and of values for which there is
// room.
const (
	usualLists  = 40
	usualValues = 32
)

// decode decodes the body of a connect event. Members may be missing or null.
// Unknown members are ignored.
func (ev *ConnectEvent) decode() error {
	if err := ev.decodeBody(); err != nil {
		return &DecodeError{What: "body of the connect event", Err: err}
	}
	return nil
}

func (ev *ConnectEvent) decodeBody() error {
	var (
		listSpace [usualLists]namedList

		s      = jsonscan.New(ev.text)
		lists  = listSpace[:0]
		values = make([]string, 0, usualValues)
		seen   connectMember

		claims, query, headers []namedList
		subprotocols           namedList
		mqttFrom, mqttTo       int
	)
	for more := s.Object(); more; more = s.More('}') {
		at := s.Pos()
		member := connectMemberOf(s.Name())
		if seen&member != 0 {
			s.Fail(at, ruleOnce)
		}
		seen |= member
		switch member {
		case memberClaims:
			claims, lists, values = readLists(&s, lists, values)
		case memberQuery:
			query, lists, values = readLists(&s, lists, values)
		case memberHeaders:
			headers, lists, values = readLists(&s, lists, values)
		case memberSubprotocols:
			subprotocols.lo = len(values)
			values = readStrings(&s, values)
			subprotocols.hi = len(values)
		case memberCertificates:
			ev.ClientCertificates = readCertificates(&s)
		case memberMQTT:
			mqttFrom = s.Pos()
			s.Skip()
			mqttTo = s.Pos()
		default:
			s.Skip()
		}
	}
	s.End()
	if err := s.Err(); err != nil {
		return err
	}

	ev.Claims = mapOf(&s, claims, values)
	ev.Query = mapOf(&s, query, values)
	ev.Headers = mapOf(&s, headers, values)
	ev.Subprotocols = subprotocols.of(values)
	if err := s.Err(); err != nil {
		return err
	}
	return ev.decodeMQTT(mqttFrom, mqttTo)
}

// readLists reads an object whose members are lists of strings. It appends the lists
// and their values to those given. own are the object's lists, nil for null.
func readLists(s *jsonscan.Scanner, lists []namedList, values []string) (own, allLists []namedList, allValues []string) {
	if s.Null() {
		return nil, lists, values
	}
	from := len(lists)
	for more := s.Object(); more; more = s.More('}') {
		l := namedList{at: s.Pos(), lo: len(values)}
		l.name = s.Name()
		if s.Next() == '"' { // a list of one
			values = append(values, s.Text())
		} else {
			values = readStrings(s, values)
		}
		l.hi = len(values)
		lists = append(lists, l)
	}
	return lists[from:len(lists):len(lists)], lists, values
}

// readStrings reads an array of strings and appends them to values. Null is an empty
// array or an empty string.
func readStrings(s *jsonscan.Scanner, values []string) []string {
	if s.Null() {
		return values
	}
	for more := s.Array(); more; more = s.More(']') {
		values = append(values, s.TextOrNull())
	}
	return values
}

// readCertificates reads the client's certificates. A null in the array is an error: it
// must not look like a certificate that the client presented.
func readCertificates(s *jsonscan.Scanner) []ClientCertificate {
	if s.Null() {
		return nil
	}
	var certificates []ClientCertificate
	for more := s.Array(); more; more = s.More(']') {
		certificates = append(certificates, readCertificate(s))
	}
	return certificates
}

func readCertificate(s *jsonscan.Scanner) (c ClientCertificate) {
	var thumbprint, content bool
	for more := s.Object(); more; more = s.More('}') {
		at := s.Pos()
		switch s.Name() {
		case "thumbprint":
			if thumbprint {
				s.Fail(at, ruleOnce)
			}
			thumbprint = true
			c.Thumbprint = s.TextOrNull()
		case "content":
			if content {
				s.Fail(at, ruleOnce)
			}
			content = true
			c.Content = s.TextOrNull()
		default:
			s.Skip()
		}
	}
	return c
}

// of returns the list's values, with no capacity for an append, which would overwrite
// the next list.
func (l namedList) of(values []string) []string {
	if l.lo == l.hi {
		return nil
	}
	return values[l.lo:l.hi:l.hi]
}

// mapOf returns the map of an object's lists, nil if there was no object.
func mapOf(s *jsonscan.Scanner, lists []namedList, values []string) map[string][]string {
	if lists == nil {
		return nil
	}
	m := make(map[string][]string, len(lists))
	for i, l := range lists {
		m[l.name] = l.of(values)
		if len(m) == i {
			s.Fail(l.at, ruleOnce)
			return nil
		}
	}
	return m
}

// decodeMQTT decodes the mqtt member, which has the given range in the body; an empty
// range means that there is none. The member is valid JSON. Its types and the
// password's base64 may be wrong.
func (ev *ConnectEvent) decodeMQTT(from, to int) error {
	if from == to {
		return nil
	}
	var packet *mqtt.Connect
	err := json.Unmarshal([]byte(ev.text[from:to]), &packet)
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) { // its text quotes numbers
		member := "mqtt"
		if mistyped.Field != "" {
			member += "." + mistyped.Field
		}
		return fmt.Errorf("offset %d: %s has the wrong type", from+int(mistyped.Offset), member)
	}
	if err != nil {
		return fmt.Errorf("offset %d: %w", from, err)
	}
	ev.MQTTConnect = packet
	return nil
}
