// Command echo is an event handler that sends clients their messages back, in every
// hub. It needs the connection string of the service in WEBPUBSUB_CONNECTION_STRING.
// It listens on HOST and PORT, 127.0.0.1 and 3000 by default.
//
// To try it on one machine, set WEBPUBSUB_CONNECTION_STRING to the connection string
// that webpubsub emulator prints, and pass its URL to the emulator:
//
//	go run ./cmd/webpubsub emulator --hub echo --upstream http://localhost:3000/eventhandler
package main
