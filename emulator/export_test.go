package emulator

import "github.com/go-webpubsub/webpubsub/emulator/internal/trace"

// NewWithSinks is like New, with further sinks.
func NewWithSinks(cfg Config, sinks ...trace.Sink) (*Server, error) {
	return newServer(&cfg, nil, sinks...)
}
