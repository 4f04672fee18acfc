package e2e_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the test binary if a goroutine is left.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
