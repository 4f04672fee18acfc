package similar_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/cli/similar"
)

func TestName(t *testing.T) {
	t.Parallel()
	names := []string{"connect", "connected", "event", "left"}
	for given, want := range map[string]string{"conect": "connect", "connnected": "connected", "evnt": "event", "lfet": "left", "xyz": "", "CONNECT": "connect"} {
		assert.Equal(t, want, similar.Name(given, names), given)
	}
}
