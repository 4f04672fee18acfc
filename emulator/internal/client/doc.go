// Package client takes the WebSocket connections of clients: it negotiates,
// authorises, asks the event handler, and then carries frames between the socket
// and the hub.
package client
