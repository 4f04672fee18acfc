package main

import (
	"context"
	"io"
	"time"

	"github.com/go-webpubsub/webpubsub/client"
)

// RunImpatient is Run with short timeouts.
func RunImpatient(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	return run(ctx, args, stdin, stdout, client.Options{
		RecoveryTimeout: 2 * time.Second,
		Reconnect:       client.Backoff{Initial: time.Millisecond, MaxRetries: 2},
	})
}

// Sanitize is exported for tests.
var Sanitize = sanitize
