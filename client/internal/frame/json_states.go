package frame

import (
	"math"

	"github.com/go-webpubsub/webpubsub/internal/jsonscan"
)

const (
	ruleMaxStates  = "want at most 65536 states"             // maxStates
	ruleMaxEntries = "want at most 262144 entries of states" // maxEntries
)

func readStates(s *jsonscan.Scanner) (states []State) {
	if s.Null() {
		return nil
	}
	entries := 0
	for more := s.Array(); more; more = s.More(']') {
		at := s.Pos()
		states = append(states, readState(s))
		if entries += len(states[len(states)-1].Entries); entries > maxEntries {
			s.Fail(at, ruleMaxEntries)
		}
		if len(states) > maxStates {
			s.Fail(at, ruleMaxStates)
		}
	}
	return states
}

func readState(s *jsonscan.Scanner) (state State) {
	for more := s.Object(); more; more = s.More('}') {
		switch s.Name() {
		case "connectionId":
			state.ConnectionID = s.TextOrNull()
		case "userId":
			state.UserID = s.TextOrNull()
		case "state":
			state.Entries = readMetadata(s)
		case "updatedAt":
			state.UpdatedAt = intOrNull(s)
		default:
			s.Skip()
		}
	}
	return state
}

// intOrNull reads a time, which is not before 1970.
func intOrNull(s *jsonscan.Scanner) int64 {
	return int64(min(uintOrNull(s), math.MaxInt64))
}
