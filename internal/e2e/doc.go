// Package e2e tries the public packages together: real clients, the emulator,
// and the service client, over real sockets. It has tests only.
package e2e
