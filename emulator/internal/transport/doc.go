// Package transport serves clients over WebSocket: handshakes, frames in and out,
// keep-alive and close codes. What frames mean is the hub's.
package transport
