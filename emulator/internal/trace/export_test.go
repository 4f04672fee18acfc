package trace

// Kinds is the number of kinds.
const Kinds = kinds

// KindOf returns the kind of a record.
func KindOf(r Record) Kind { return r.kind() }
