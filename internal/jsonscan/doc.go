// Package jsonscan reads untrusted JSON: with a scanner for texts of a known shape,
// and with encoding/json's Unmarshal, whose errors it makes safe to log. It also appends
// strings to JSON that is written by hand.
package jsonscan
