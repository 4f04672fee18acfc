package client

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/client/internal/frame"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
)

// MaxTTL is the longest time for which the service keeps a message.
const MaxTTL = rule.MaxTTL

func checkSize(request []byte) error {
	if len(request) > frame.MaxRequest {
		return fmt.Errorf("frame has %d bytes, want at most %d", len(request), frame.MaxRequest)
	}
	return nil
}

// quote shows a name in an error, cut.
func quote(name string) string { return fmt.Sprintf("%q", excerpt.Cut(name, 128)) }
