package emulator_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the test binary if anything of the emulator still runs: every
// test has closed its own by now, and Close waits.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
