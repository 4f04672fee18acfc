package emulator

import "github.com/go-webpubsub/webpubsub/emulator/internal/trace"

// NewWithSinks is like New, with further sinks.
func NewWithSinks(cfg Config, sinks ...trace.Sink) (*Server, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	return newServer(cfg, []string{cfg.Origin}, sinks...)
}
