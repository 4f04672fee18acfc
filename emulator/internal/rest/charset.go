package rest

import (
	"bytes"
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// charset returns a function that converts a body from a charset to UTF-8 and reports
// whether the body is valid, or nil if the charset is unknown. It defaults to UTF-8.
func charset(name string) func([]byte) ([]byte, bool) {
	switch strings.ToLower(name) {
	case "", "utf-8":
		return func(data []byte) ([]byte, bool) {
			return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), utf8.Valid(data)
		}
	case "us-ascii":
		return func(data []byte) ([]byte, bool) {
			return data, !bytes.ContainsFunc(data, func(r rune) bool { return r >= utf8.RuneSelf })
		}
	case "iso-8859-1":
		return fromLatin1
	case "utf-16":
		return func(data []byte) ([]byte, bool) {
			if rest, ok := bytes.CutPrefix(data, []byte("\xfe\xff")); ok {
				return fromUTF16(rest, binary.BigEndian)
			}
			return fromUTF16(bytes.TrimPrefix(data, []byte("\xff\xfe")), binary.LittleEndian)
		}
	case "utf-16le":
		return func(data []byte) ([]byte, bool) { return fromUTF16(data, binary.LittleEndian) }
	case "utf-16be":
		return func(data []byte) ([]byte, bool) { return fromUTF16(data, binary.BigEndian) }
	}
	return nil
}

func fromLatin1(data []byte) ([]byte, bool) {
	out := make([]byte, 0, len(data)+len(data)/8)
	for _, b := range data {
		out = utf8.AppendRune(out, rune(b))
	}
	return out, true
}

func fromUTF16(data []byte, order binary.ByteOrder) ([]byte, bool) {
	if len(data)%2 != 0 {
		return nil, false
	}
	out := make([]byte, 0, len(data))
	for ; len(data) > 0; data = data[2:] {
		r := rune(order.Uint16(data))
		if utf16.IsSurrogate(r) {
			if len(data) < 4 {
				return nil, false
			}
			if r = utf16.DecodeRune(r, rune(order.Uint16(data[2:]))); r == utf8.RuneError {
				return nil, false
			}
			data = data[2:]
		}
		out = utf8.AppendRune(out, r)
	}
	return out, true
}
