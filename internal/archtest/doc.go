// Package archtest holds what no compiler checks about this repository: which
// package may import which, what the exported API is, and that the words beside
// the code agree with it. It has tests only.
package archtest
