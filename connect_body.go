package webpubsub

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
	"github.com/go-webpubsub/webpubsub/mqtt"
)

// A connect body is read by hand, once and from front to back, because
// encoding/json takes five times as long; see [jsonscan.Scanner]. Its strings are
// parts of one string and its lists parts of one slice, so that keeping one of
// them keeps all of them in memory.

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

// connectMemberOf returns the member of that name, zero if it is not known.
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

// ruleOnce is the rule that a repeated member breaks. No documented body repeats
// one, and whoever reads the first and whoever reads the last would see two
// different clients, so neither is believed.
const ruleOnce = "want each member once"

// namedList is a member of claims, query or headers: its name, where that
// stands, and which of the body's values are its own.
type namedList struct {
	name   string
	at     int
	lo, hi int
}

// So many lists and values are collected on the stack.
const (
	usualLists  = 40
	usualValues = 56
)

// decode reads the body of a connect event. Members may be missing or null,
// unknown ones are passed over.
func (ev *ConnectEvent) decode() error {
	if err := ev.decodeBody(); err != nil {
		return &DecodeError{What: "body of the connect event", Err: err}
	}
	return nil
}

func (ev *ConnectEvent) decodeBody() error {
	var (
		listSpace  [usualLists]namedList
		valueSpace [usualValues]string

		s      = jsonscan.New(string(ev.body))
		lists  = listSpace[:0]
		values = valueSpace[:0]
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

	shared := append([]string(nil), values...)
	ev.Claims = mapOf(&s, claims, shared)
	ev.Query = mapOf(&s, query, shared)
	ev.Headers = mapOf(&s, headers, shared)
	ev.Subprotocols = subprotocols.of(shared)
	if err := s.Err(); err != nil {
		return err
	}
	return ev.decodeMQTT(mqttFrom, mqttTo)
}

// readLists reads an object whose members are lists of strings. The lists and
// their values are appended to those that the body had before; own are the
// object's, nil for null.
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

// readStrings reads an array of strings, null as one without any, and appends
// them to values; null in place of a string is an empty one.
func readStrings(s *jsonscan.Scanner, values []string) []string {
	if s.Null() {
		return values
	}
	for more := s.Array(); more; more = s.More(']') {
		values = append(values, s.TextOrNull())
	}
	return values
}

// readCertificates reads the client's certificates. Null in place of one is an
// error: a client that presented nothing must not look as if it had.
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

// of returns the list's own values, closed so that an append to them does not
// write into the next list.
func (l namedList) of(shared []string) []string {
	if l.lo == l.hi {
		return nil
	}
	return shared[l.lo:l.hi:l.hi]
}

// mapOf makes a map of an object's lists; nil if there was no object.
func mapOf(s *jsonscan.Scanner, lists []namedList, shared []string) map[string][]string {
	if lists == nil {
		return nil
	}
	m := make(map[string][]string, len(lists))
	for i, l := range lists {
		m[l.name] = l.of(shared)
		if len(m) == i {
			s.Fail(l.at, ruleOnce)
			return nil
		}
	}
	return m
}

// decodeMQTT reads the mqtt member, which is rare and small, from its range in
// the body; an empty range means that there is none. It is known to be JSON, so
// only types and the password's base64 can be wrong.
func (ev *ConnectEvent) decodeMQTT(from, to int) error {
	if from == to {
		return nil
	}
	var packet *mqtt.Connect
	err := json.Unmarshal(ev.body[from:to], &packet)
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) { // its own text quotes numbers
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
