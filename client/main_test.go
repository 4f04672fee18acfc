package client_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails if a goroutine is left. Every test has stopped its clients by
// then.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
