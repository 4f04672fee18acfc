// Command echo sends what clients of the hub "chat" say back to them. Without
// WEBPUBSUB_CONNECTION_STRING it believes the emulator, whose key everybody
// knows: keep it on the loopback interface then. PORT is where it listens.
package main
