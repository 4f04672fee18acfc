package e2e_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the test binary if anything still runs.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
