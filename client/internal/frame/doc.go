// Package frame defines the frames that a client and the service exchange, and the
// subprotocols that encode them.
package frame
