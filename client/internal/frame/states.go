package frame

import "errors"

// State is the state of a connection in a group.
type State struct {
	ConnectionID, UserID string
	Entries              map[string]string // nil: the state was cleared
	UpdatedAt            int64             // milliseconds since 1970
}

// Limits of what a frame can make the client allocate. A map or a State needs far
// more memory than its few bytes on the wire. The service accepts metadata of 8 KiB,
// and Microsoft's emulator sends 200 states at most.
const (
	maxMetadata = 8192
	maxStates   = 65_536
	maxEntries  = 262_144 // of all states
)

var (
	errNoGroup = errors.New("the group of a group state is missing")
	errNoOwner = errors.New("the connection of a group state is missing")
)

// setStates sets the kind of a frame that has states.
func (f *Frame) setStates(kind Kind) error {
	if f.Group == "" {
		return errNoGroup
	}
	for i := range f.States {
		if f.States[i].ConnectionID == "" {
			return errNoOwner
		}
	}
	f.Kind = kind
	return nil
}
