package main

// Entries and parts that tests call.
var (
	Run   = run
	Root  = root
	Prose = prose
)
