package frame

import (
	"strconv"
	"strings"
)

// sequenceOf returns the sequence id of a frame that cannot be decoded, or 0 if it
// finds none. Such a frame has to be acknowledged too. Otherwise the service would
// send it again after each recovery, and close the connection after 1000 of them.
//
// It examines only strings and brackets, so that invalid data does not hide the id,
// and only members of the frame itself.
func sequenceOf(text string) uint64 {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return 0
			}
		case '"':
			end := stringEnd(text, i)
			if depth == 1 && text[i:end] == `"sequenceId"` {
				if id, ok := memberValue(text[end:]); ok {
					return id
				}
			}
			i = end - 1
		}
	}
	return 0
}

// stringEnd returns the offset after the string that begins at start.
func stringEnd(text string, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// memberValue reads a colon and an unsigned integer.
func memberValue(text string) (uint64, bool) {
	const space = " \t\r\n"
	text, ok := strings.CutPrefix(strings.TrimLeft(text, space), ":")
	if !ok {
		return 0, false
	}
	text = strings.TrimLeft(text, space)
	n := 0
	for n < len(text) && '0' <= text[n] && text[n] <= '9' {
		n++
	}
	if n == len(text) || strings.IndexByte(space+",}", text[n]) < 0 {
		return 0, false
	}
	id, err := strconv.ParseUint(text[:n], 10, 64)
	return id, err == nil
}
