package subprotocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// readMetadata decodes an object of strings with unique names.
func readMetadata(raw json.RawMessage) (map[string]string, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("metadata is not an object")
	}
	out := make(map[string]string)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errors.New("metadata is not an object")
		}
		value, err := d.Token()
		if err != nil {
			return nil, errors.New("metadata is not an object")
		}
		k, _ := name.(string)
		v, ok := value.(string)
		if _, twice := out[k]; twice || !ok {
			return nil, fmt.Errorf("metadata %.64q is repeated or not a string", k)
		}
		out[k] = v
	}
	return out, CheckMetadata(out)
}

// CheckMetadata holds metadata to the limits of the service.
func CheckMetadata(metadata map[string]string) error {
	total := 0
	for k, v := range metadata {
		total += len(k) + len(v)
		if !isToken(k) || len(k) > wire.MaxMetadataKey {
			return fmt.Errorf("metadata name %.64q is not an HTTP token of at most %d bytes", k, wire.MaxMetadataKey)
		}
		if len(v) > wire.MaxMetadataValue || strings.IndexFunc(v, func(r rune) bool { return r > 0x7e || r < ' ' }) >= 0 {
			return fmt.Errorf("metadata value of %.64q is not printable ASCII of at most %d bytes", k, wire.MaxMetadataValue)
		}
	}
	if total > wire.MaxMetadataTotal {
		return fmt.Errorf("metadata has %d bytes, want at most %d", total, wire.MaxMetadataTotal)
	}
	return nil
}

func isToken(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}
