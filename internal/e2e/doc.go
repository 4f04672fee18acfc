// Package e2e tests the public packages together over real sockets: handler, emulator,
// clients and service client. It has tests only.
package e2e
