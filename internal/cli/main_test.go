package cli_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the test binary if anything still runs, such as a server that
// listens after its end.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
