// Package emulator has the benchmarks of the emulator, beside servers that do
// the least of what it does on the same WebSocket library. Servers that are
// measured run alone in processes of their own.
package emulator
