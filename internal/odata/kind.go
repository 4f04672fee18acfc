package odata

import "fmt"

// kind is the type of a value, or a set of types. Null is compatible with every type
// of single value.
type kind uint8

const (
	kindBool kind = 1 << iota
	kindInt
	kindText
	kindCollection
	kindNull

	kindSingle = kindBool | kindInt | kindText | kindNull
)

func (k kind) String() string {
	switch k {
	case kindBool:
		return "bool"
	case kindInt:
		return "int"
	case kindText:
		return "string"
	case kindCollection:
		return "collection"
	case kindNull:
		return "null"
	case kindText | kindCollection:
		return "string or collection"
	default:
		return "single value"
	}
}

// want returns an error unless the node is valid and of one of the kinds.
func (n node) want(kinds kind) *Error {
	if n.err == nil && n.kind&kinds == 0 {
		err := mistake(n.at, "type '%v', expect '%v'", n.kind, kinds&^kindNull)
		err.Reason = fmt.Sprintf("this has the type %v, want %v", n.kind, kinds&^kindNull)
		return err
	}
	return n.err
}
