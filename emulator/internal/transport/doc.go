// Package transport serves clients over WebSocket: handshakes, frames in and out,
// keep-alive and close codes. Package hub interprets the frames.
package transport
