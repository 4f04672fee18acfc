package emulator_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a goroutine of the emulator is left: every test closes its emulator,
// and Close waits.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
