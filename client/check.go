package client

import (
	"fmt"
	"maps"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

const maxEventName = 128

// checkGroup checks the name of a group.
func checkGroup(group string) error {
	switch {
	case strings.TrimSpace(group) == "", utf8.RuneCountInString(group) > wire.MaxGroupName:
		return fmt.Errorf("group %s: want 1 to %d characters, not blank", quote(group), wire.MaxGroupName)
	case !utf8.ValidString(group):
		return fmt.Errorf("group %s is not UTF-8", quote(group))
	}
	return nil
}

// checkEvent checks the name of a user event.
func checkEvent(event string) error {
	for i := range len(event) {
		switch c := event[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case i > 0 && ('0' <= c && c <= '9' || strings.IndexByte("_.-", c) >= 0):
		default:
			return errEvent(event)
		}
	}
	if event == "" || len(event) > maxEventName {
		return errEvent(event)
	}
	return nil
}

func errEvent(event string) error {
	return fmt.Errorf("event %s: want a letter, then at most %d letters, digits or characters of _.-", quote(event), maxEventName-1)
}

// checkID checks the id of a stream or invocation.
func checkID(what, id string) error {
	if !utf8.ValidString(id) || utf8.RuneCountInString(id) > wire.MaxGroupName {
		return fmt.Errorf("%s %s: want at most %d characters of UTF-8", what, quote(id), wire.MaxGroupName)
	}
	return nil
}

// checkTTL checks the time to live of a message.
func checkTTL(ttl time.Duration) error {
	if ttl < 0 || ttl > MaxTTL || ttl%time.Second != 0 {
		return fmt.Errorf("TTL is %v, want whole seconds from 0 to %v", ttl, MaxTTL)
	}
	return nil
}

// checkMetadata checks metadata against the limits of the service.
func checkMetadata(metadata map[string]string) error {
	total := 0
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		v := metadata[name]
		total += len(name) + len(v)
		switch {
		case !isToken(name) || len(name) > wire.MaxMetadataKey:
			return fmt.Errorf("Metadata name %s: want an HTTP token of 1 to %d bytes", quote(name), wire.MaxMetadataKey)
		case strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) || len(v) > wire.MaxMetadataValue:
			return fmt.Errorf("Metadata value of %s: want printable ASCII of at most %d bytes", quote(name), wire.MaxMetadataValue)
		}
	}
	if total > wire.MaxMetadataTotal {
		return fmt.Errorf("Metadata has %d bytes of names and values, want at most %d", total, wire.MaxMetadataTotal)
	}
	return nil
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

func checkSize(request []byte) error {
	if len(request) > frame.MaxRequest {
		return fmt.Errorf("frame has %d bytes, want at most %d", len(request), frame.MaxRequest)
	}
	return nil
}

// checkHeader rejects header fields that belong to the handshake.
func checkHeader(name string) error {
	switch canonical := textproto.CanonicalMIMEHeaderKey(name); {
	case strings.HasPrefix(canonical, "Sec-Websocket-"), canonical == "Connection", canonical == "Upgrade":
		return fmt.Errorf("Header has %s, which belongs to the handshake", quote(canonical))
	}
	return nil
}

// quote quotes a name for an error, and cuts it.
func quote(name string) string { return fmt.Sprintf("%q", excerpt.Cut(name, 128)) }
