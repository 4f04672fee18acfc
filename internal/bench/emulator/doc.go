// Package emulator has benchmarks of the emulator and of minimal servers on the same
// WebSocket library. Each server runs in its own process.
package emulator
