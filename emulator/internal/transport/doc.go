// Package transport serves the WebSocket connections of clients: it authorises and
// negotiates a handshake, and then carries frames between the socket and the hub.
package transport
