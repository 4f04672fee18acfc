package httptest_test

import "log/slog"

// quiet is a logger for handlers that are made to fail.
func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
