// Package subprotocol decodes and encodes the frames of the client subprotocols
// json.webpubsub.azure.v1, protobuf.webpubsub.azure.v1, their reliable twins, and none
// ("raw"). Each is a [Protocol].
package subprotocol
