package upstream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// JSONContentType is the Content-Type of the events that the service itself raises.
const JSONContentType = wire.MediaJSON + "; charset=utf-8"

// NewValidation returns the OPTIONS request that asks the handler at a URL for
// its consent. origins are the host names of the service.
func NewValidation(ctx context.Context, url string, origins []string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header[wire.HeaderRequestOrigin] = []string{strings.Join(origins, ", ")}
	req.Header[wire.HeaderVersion] = []string{wire.Version}
	return req, nil
}

// Signatures returns the tokens of an event's ce-signature, one for each key.
func Signatures(keys []string, connectionID string) []string {
	tokens := make([]string, len(keys))
	for i, key := range keys {
		tokens[i] = webpubsub.Sign(key, connectionID)
	}
	return tokens
}

// AddMetadata adds the metadata of a client's message to the header of its event.
// Names that differ by case only become lines of one header, in the order of the
// names, so that no value is lost and handlers always receive the same.
func AddMetadata(header http.Header, metadata map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		header.Add(wire.PrefixMetadata+name, metadata[name])
	}
}

// ContentType returns the Content-Type that the service writes for a kind of
// payload. Text has a charset, as Microsoft's emulator sends it.
func ContentType(kind wire.DataType) string {
	switch kind {
	case wire.DataText:
		return wire.MediaText + "; charset=utf-8"
	case wire.DataJSON:
		return wire.MediaJSON
	case wire.DataProtobuf:
		return wire.MediaProtobuf
	case wire.DataNone, wire.DataBinary:
	}
	return wire.MediaBinary
}

// NewConnectionID returns a random connection id of 32 hexadecimal digits.
func NewConnectionID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// NewRequestID returns a random UUID, as events have it in x-ms-client-request-id.
func NewRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
