package trace

// Kinds is the number of kinds.
const Kinds = kinds
