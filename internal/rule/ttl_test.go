package rule_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestTTL(t *testing.T) {
	t.Parallel()
	for _, ttl := range []time.Duration{0, time.Second, rule.MaxTTL} {
		require.NoError(t, rule.CheckTTL(ttl))
	}
	for ttl, want := range map[time.Duration]string{-time.Second: "-1s", time.Millisecond: "1ms", rule.MaxTTL + time.Second: "5m1s"} {
		require.EqualError(t, rule.CheckTTL(ttl), "TTL is "+want+", want whole seconds from 0 to 5m0s")
	}
}
