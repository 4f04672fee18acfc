package rule

import (
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Limits of the metadata of one message, in bytes.
//
// Source: Emulator, WebPubSubMetadataValidator.
const (
	maxMetadataName  = 256
	maxMetadataValue = 1024
	maxMetadataTotal = 8192 // of all names and values
)

// CheckMetadata returns an error unless a message in a client's frame can have the
// metadata: names are HTTP tokens of 1 to 256 bytes, values printable ASCII of at
// most 1024 bytes, all together have at most 8192 bytes.
//
// The service accepts every ASCII character in a value. Control characters are
// refused here: an event handler gets the metadata as headers, which cannot have
// them.
func CheckMetadata(metadata map[string]string) error {
	if name, found := first(metadata, func(name, _ string) bool { return !IsToken(name) || len(name) > maxMetadataName }); found {
		return fmt.Errorf("metadata name %s: want an HTTP token of 1 to %d bytes", excerpt.Name(name), maxMetadataName)
	}
	if name, found := first(metadata, func(_, value string) bool { return !isPrintable(value) || len(value) > maxMetadataValue }); found {
		return fmt.Errorf("metadata value of %s: want printable ASCII of at most %d bytes", excerpt.Name(name), maxMetadataValue)
	}
	total := 0
	for name, value := range metadata {
		total += len(name) + len(value)
	}
	if total > maxMetadataTotal {
		return fmt.Errorf("metadata has %d bytes of names and values, want at most %d", total, maxMetadataTotal)
	}
	return nil
}

// first returns the first name, in order, of an entry that is wrong. It does not sort
// the names, since most metadata has no such entry.
func first(metadata map[string]string, wrong func(name, value string) bool) (name string, found bool) {
	for n, value := range metadata {
		if (!found || n < name) && wrong(n, value) {
			name, found = n, true
		}
	}
	return name, found
}

// CheckMetadataHeaders returns an error unless metadata arrives unchanged as
// headers, in a REST call or the answer to a user event. Beyond [CheckMetadata] it
// rejects what [MetadataOf] would change: commas, spaces around a value, and names
// that differ by case only.
func CheckMetadataHeaders(metadata map[string]string) error {
	if len(metadata) == 0 {
		return nil
	}
	if err := CheckMetadata(metadata); err != nil {
		return err
	}
	if name, found := first(metadata, func(_, value string) bool { return strings.Contains(value, ",") || !IsHeaderValue(value) }); found {
		return fmt.Errorf("metadata value of %s: want no comma, of whose parts only the last arrives, and no space around it", excerpt.Name(name))
	}
	if len(metadata) < 2 {
		return nil
	}
	folded := make(map[string]string, len(metadata))
	for name := range metadata {
		lower := strings.ToLower(name)
		if twin, twice := folded[lower]; twice {
			return fmt.Errorf("metadata names %s and %s differ by case only", excerpt.Name(min(twin, name)), excerpt.Name(max(twin, name)))
		}
		folded[lower] = name
	}
	return nil
}

// MetadataOf returns the metadata that the service reads from the header of a REST
// call or of the answer to a user event, an http.Header. It is nil if there is none.
// Names are in lower case. Of several values for a name, on separate lines or after
// commas, the last one counts.
//
// Source: Emulator, README.md, section User events.
func MetadataOf(header map[string][]string) (map[string]string, error) {
	var out map[string]string
	for line, values := range header {
		name, ok := strings.CutPrefix(line, wire.PrefixMetadata)
		if !ok || name == "" || len(values) == 0 {
			continue
		}
		value := values[len(values)-1]
		if out == nil {
			out = make(map[string]string)
		}
		out[strings.ToLower(name)] = strings.TrimSpace(value[strings.LastIndexByte(value, ',')+1:])
	}
	if err := CheckMetadata(out); err != nil {
		return nil, err
	}
	return out, nil
}
