package client

import (
	"fmt"
	"net/textproto"
	"strings"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

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
func quote(name string) string { return fmt.Sprintf("%q", excerpt.Short(name)) }
