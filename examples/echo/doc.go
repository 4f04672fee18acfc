// Command echo sends what clients say back to them, whatever their hub. It
// verifies with the connection string in WEBPUBSUB_CONNECTION_STRING, and does
// not start without one. PORT is where it listens, 3000 by default.
//
// To try it on one machine, give it the connection string that webpubsub
// emulator prints, and the emulator its URL:
//
//	go run ./cmd/webpubsub emulator --hub echo --upstream http://localhost:3000/eventhandler
package main
