package client_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the test binary if anything of a client still runs: every test
// has stopped its own by now, and Stop waits.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
