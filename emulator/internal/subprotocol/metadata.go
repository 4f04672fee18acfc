package subprotocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// readMetadata reads an object of strings. A name may not stand twice.
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
			return nil, fmt.Errorf("metadata %.64q stands twice or is not a string", k)
		}
		out[k] = v
	}
	return out, rule.CheckMetadata(out)
}
