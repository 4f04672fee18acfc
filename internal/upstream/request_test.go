package upstream_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

func TestAddMetadata(t *testing.T) {
	t.Parallel()
	for range 100 { // the order of a map is random
		header := make(http.Header)
		upstream.AddMetadata(header, map[string]string{"trace": "3", "TRACE": "1", "Trace": "2", "other": "4"})
		assert.Equal(t, http.Header{"X-Webpubsub-Metadata-Trace": {"1", "2", "3"}, "X-Webpubsub-Metadata-Other": {"4"}}, header)
	}
}
