package trace

import (
	"regexp"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// tokens are JWTs, signatures and the hub's reconnection tokens, which are longer than its
// other ids. They match also a part of a JWT, and a JWT in another case: names of headers
// do not keep their case.
var tokens = regexp.MustCompile(`eyJ[\w.-]*|\b[Ee]yj[\w.-]{16,}|[[:xdigit:]]{33,}`)

// shortestHex is the length of the shortest text that [tokens] matches by its digits.
const shortestHex = 33

// tokenMargin is the length of the longest text that [tokens] matches as a whole only.
const tokenMargin = 64

// named are secrets of any form after a name: in a URL, a header, a connection string, or
// JSON. If a secret ends with the name of another secret, both are one match.
var named = regexp.MustCompile(`(?i)(` + scheme + `|accesskey(?:=|%3d)|(?:access_|reconnection_?)token(?:=|%3d|\\?"\s*:\s*\\?"))(?:` + value + `*` + scheme + `)*` + value + `+`)

const (
	scheme = `bearer(?: |\+|%20)+`
	value  = `[^&;\s"\\]`
)

// encoded is text in base64 that is long enough for a secret.
var encoded = regexp.MustCompile(`[\w+/-]{40,}`)

// shortestEncoded is the length of the shortest text that [encoded] matches.
const shortestEncoded = 40

// secretHeaders are headers whose values are not shown.
var secretHeaders = [...]string{"Authorization", "Cookie", "Set-Cookie", "Proxy-Authorization", wire.HeaderSignature}

// secretMembers are the secret headers of a client in the body of a connect event.
var secretMembers = regexp.MustCompile(`(?i)("(?:` + strings.Join(secretHeaders[:], "|") + `)"\s*:\s*)\[(?:\s*"(?:[^"\\]|\\.)*"\s*,?)*\s*(?:\]|"(?:[^"\\]|\\.)*$|$)`)

// beginnings are words of which each text that matches a pattern has one. Regular
// expressions are slow, and nearly no text has a secret.
var beginnings = [...]struct {
	word string // in lower case
	in   marks
}{
	{"bearer", inNamed}, {"accesskey", inNamed}, {"access_token", inNamed}, {"reconnection", inNamed},
	{"authorization", inMembers}, {"cookie", inMembers}, {"ce-signature", inMembers},
}

// marks are patterns that a text may match.
type marks uint8

const (
	inTokens marks = 1 << iota
	inNamed
	inEncoded
	inMembers
)

// scan returns the patterns that a text may match.
func scan(s string) marks {
	var out marks
	if strings.Contains(s, "eyJ") || strings.Contains(s, "eyj") || strings.Contains(s, "Eyj") || hasRun(s, shortestHex, isHex) {
		out = inTokens
	}
	if hasRun(s, shortestEncoded, isEncoded) {
		out |= inEncoded
	}
	const ac, au, be, ce, co, re = 'a'<<8 | 'c', 'a'<<8 | 'u', 'b'<<8 | 'e', 'c'<<8 | 'e', 'c'<<8 | 'o', 'r'<<8 | 'e'
	pair := 0 // of the last two letters, in lower case
	for i := range len(s) {
		pair = pair<<8&0xff00 | int(s[i]|0x20)
		switch pair {
		case ac, au, be, ce, co, re: // with which the words begin
			if i > 0 {
				out |= beginning(s[i-1:])
			}
		}
	}
	return out
}

func beginning(s string) (out marks) {
	for _, b := range &beginnings {
		if len(s) >= len(b.word) && s[0]|0x20 == b.word[0] && strings.EqualFold(s[:len(b.word)], b.word) {
			out |= b.in
		}
	}
	return out
}

// hasRun reports whether a text has n characters of a class in a row.
func hasRun(s string, n int, in func(byte) bool) bool {
	for i := n - 1; i < len(s); {
		run := 0
		for run < n && in(s[i-run]) {
			run++
		}
		if run == n {
			return true
		}
		i += n - run // the next row can begin after the other character at the earliest
	}
	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func isEncoded(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '+' || c == '/' || c == '-' || c == '_'
}
