// Package protoschema is the schema of the protobuf subprotocols, for tests. Google's own
// decoder and encoder read it, and are compared with the hand-written codecs of the
// client and the emulator:
//
//	want, err := protoschema.Decode(protoschema.Upstream(), frame)
//
// webpubsub.proto is the schema, webpubsub.binpb is its compiled form. "make schema"
// compiles it. No program links this package.
package protoschema
