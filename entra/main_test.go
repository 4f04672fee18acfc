package entra_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the test binary if a goroutine is left: a Verifier starts none.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
