package protoschema

import (
	_ "embed"
	"errors"
	"sync"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	_ "google.golang.org/protobuf/types/known/anypb" // which the schema imports
)

//go:embed webpubsub.binpb
var compiled []byte

var schema = sync.OnceValue(func() protoreflect.FileDescriptor {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(compiled, &set); err != nil {
		panic(err)
	}
	file, err := protodesc.NewFile(set.GetFile()[0], protoregistry.GlobalFiles)
	if err != nil {
		panic(err)
	}
	return file
})

// Upstream returns the descriptor of UpstreamMessage, which a client sends.
func Upstream() protoreflect.MessageDescriptor {
	return schema().Messages().ByName("UpstreamMessage")
}

// Downstream returns the descriptor of DownstreamMessage, which the service sends.
func Downstream() protoreflect.MessageDescriptor {
	return schema().Messages().ByName("DownstreamMessage")
}

// ErrUndecided reports a frame at which Google's decoder of dynamic messages panics
// (v1.36.12): a map entry has its key twice, and the second is of another wire type.
var ErrUndecided = errors.New("protoschema: Google's decoder panics")

// Decode decodes a frame. The error is [ErrUndecided], or says that the frame is invalid.
func Decode(d protoreflect.MessageDescriptor, frame []byte) (m *dynamicpb.Message, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			if cause != "type mismatch: cannot convert nil to map key" {
				panic(cause)
			}
			m, err = nil, ErrUndecided
		}
	}()
	m = dynamicpb.NewMessage(d)
	if err := proto.Unmarshal(frame, m); err != nil {
		return nil, err
	}
	return m, nil
}

// Encode returns the frame of a message in the text format of protobuf. Fields are in
// the order of their numbers, and map entries in the order of their keys.
func Encode(d protoreflect.MessageDescriptor, text string) ([]byte, error) {
	m := dynamicpb.NewMessage(d)
	if err := prototext.Unmarshal([]byte(text), m); err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}
