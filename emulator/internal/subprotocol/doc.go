// Package subprotocol reads and writes the frames of the client subprotocols:
// json.webpubsub.azure.v1, json.reliable.webpubsub.azure.v1, and none ("raw").
// Another subprotocol joins by a [Protocol] of its own.
package subprotocol
