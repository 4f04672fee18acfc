package rule_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestIsLoopback(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.8.0.1": true, "::1": true,
		"": false, "localhost.evil.test": false, "127.0.0.1.evil.test": false, "10.0.0.1": false, "0.0.0.0": false, "::": false,
	} {
		assert.Equal(t, want, rule.IsLoopback(host), host)
	}
}
