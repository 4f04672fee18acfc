// Package parsers reads what package azure writes with the parsers of the tools that it
// is for: a shell's (mvdan.cc/sh) for the az CLI, and HashiCorp's for Terraform. It has
// only tests, and is a module of its own so that nothing else needs those parsers. Bicep is
// read by interop/bicep.test.js.
package parsers
