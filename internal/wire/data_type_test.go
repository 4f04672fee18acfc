package wire_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub"
	"github.com/go-webpubsub/webpubsub/client"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

func TestDataTypeNames(t *testing.T) {
	t.Parallel()
	for kind, name := range map[wire.DataType]string{
		wire.DataText: "text", wire.DataJSON: "json", wire.DataBinary: "binary", wire.DataProtobuf: "protobuf",
	} {
		assert.Equal(t, name, kind.String())
		got, ok := wire.DataTypeNamed(name)
		assert.True(t, ok, name)
		assert.Equal(t, kind, got)
	}
	for _, name := range []string{"", "none", "TEXT", "xml"} {
		_, ok := wire.DataTypeNamed(name)
		assert.False(t, ok, name)
	}
	assert.Equal(t, "none", wire.DataNone.String())
	assert.Equal(t, "DataType(5)", wire.DataType(5).String())
}

func TestDataTypeOf(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]wire.DataType{
		"text/plain": wire.DataText, "TEXT/plain;charset=utf-8": wire.DataText, " application/json ; x=y": wire.DataJSON, "application/json": wire.DataJSON,
		"application/octet-stream": wire.DataBinary, "Application/Octet-Stream": wire.DataBinary, "application/x-protobuf": wire.DataProtobuf,
	} {
		got, ok := wire.DataTypeOf(contentType)
		assert.True(t, ok, contentType)
		assert.Equal(t, want, got, contentType)
	}
	for _, contentType := range []string{"", "text", "text/html", "image/png"} {
		got, ok := wire.DataTypeOf(contentType)
		assert.False(t, ok, contentType)
		assert.Equal(t, wire.DataBinary, got)
	}
}

// The public types are converted to and from this one, without a table.
func TestDataTypesHaveTheSameValues(t *testing.T) {
	t.Parallel()
	assert.Equal(t, wire.DataNone, wire.DataType(client.DataNone))
	for kind, public := range map[wire.DataType]struct {
		root   webpubsub.DataType
		client client.DataType
	}{
		wire.DataText:     {webpubsub.DataText, client.DataText},
		wire.DataJSON:     {webpubsub.DataJSON, client.DataJSON},
		wire.DataBinary:   {webpubsub.DataBinary, client.DataBinary},
		wire.DataProtobuf: {webpubsub.DataProtobuf, client.DataProtobuf},
	} {
		assert.Equal(t, kind, wire.DataType(public.root))
		assert.Equal(t, kind, wire.DataType(public.client))
	}
}
