package rule

import (
	"fmt"
	"time"
)

// MaxTTL is the longest time for which the service keeps a message.
//
// Source: REST, parameter messageTtlSeconds: 0 to 300.
const MaxTTL = 300 * time.Second

// CheckTTL returns an error unless a time to live is whole seconds from 0 to
// [MaxTTL].
func CheckTTL(ttl time.Duration) error {
	if ttl < 0 || ttl > MaxTTL || ttl%time.Second != 0 {
		return fmt.Errorf("TTL is %v, want whole seconds from 0 to %v", ttl, MaxTTL)
	}
	return nil
}
