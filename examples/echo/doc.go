// Command echo sends what clients say back to them, whatever their hub. PORT is
// where it listens.
//
// Two things in it are for trying out, and a server that strangers can reach
// leaves both out. Without WEBPUBSUB_CONNECTION_STRING it believes the emulator,
// whose key everybody knows. And the command that it prints holds a signature:
// whoever reads it can send any event in the name of the connection "curl".
package main
