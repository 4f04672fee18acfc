package hub

import "time"

// Clock measures time. Tests replace it.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in a new goroutine after d. stop prevents the call and reports
	// whether it did.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now returns the current time.
func (SystemClock) Now() time.Time { return time.Now() }

// AfterFunc calls [time.AfterFunc].
func (SystemClock) AfterFunc(d time.Duration, f func()) (stop func() bool) {
	return time.AfterFunc(d, f).Stop
}
