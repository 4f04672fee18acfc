// Package subprotocol decodes and encodes the frames of the client subprotocols
// json.webpubsub.azure.v1, json.reliable.webpubsub.azure.v1, and none ("raw"). Each is a
// [Protocol].
package subprotocol
