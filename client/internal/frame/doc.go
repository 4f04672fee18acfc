// Package frame holds what a client and the service say to each other, and the
// subprotocols in which they say it.
package frame
