package wire

import (
	"fmt"
	"strings"
)

// DataType is the kind of a payload. The public packages have a DataType of their
// own, with the same values.
type DataType uint8

// The kinds of payloads.
const (
	DataNone DataType = iota
	DataText
	DataJSON
	DataBinary
	DataProtobuf
)

var dataTypes = [...]string{DataNone: "none", DataText: "text", DataJSON: "json", DataBinary: "binary", DataProtobuf: "protobuf"}

// String returns the kind's name in the JSON subprotocols (dataType).
func (t DataType) String() string {
	if int(t) < len(dataTypes) {
		return dataTypes[t]
	}
	return fmt.Sprintf("DataType(%d)", uint8(t))
}

// DataTypeNamed returns the kind of a name in the JSON subprotocols. It reports
// false for any other name.
func DataTypeNamed(name string) (DataType, bool) {
	for t := DataText; t <= DataProtobuf; t++ {
		if dataTypes[t] == name {
			return t, true
		}
	}
	return DataNone, false
}

// DataTypeOf returns the kind of a Content-Type, read without case and without
// parameters. It reports false for any other type, which is binary.
func DataTypeOf(contentType string) (DataType, bool) {
	if t, known := dataTypeOfMedia(contentType); known {
		return t, true
	}
	media, _, _ := strings.Cut(contentType, ";")
	return dataTypeOfMedia(strings.ToLower(strings.TrimSpace(media)))
}

func dataTypeOfMedia(media string) (DataType, bool) {
	switch media {
	case MediaText:
		return DataText, true
	case MediaJSON:
		return DataJSON, true
	case MediaBinary:
		return DataBinary, true
	case MediaProtobuf:
		return DataProtobuf, true
	}
	return DataBinary, false
}
