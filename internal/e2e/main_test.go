package e2e_test

import (
	"log"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the test binary if a goroutine is left.
func TestMain(m *testing.M) {
	if store := os.Getenv(victimEnv); store != "" {
		if err := runVictim(store); err != nil {
			log.Fatal(err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
