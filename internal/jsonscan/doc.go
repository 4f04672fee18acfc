// Package jsonscan reads untrusted JSON: with a scanner for texts of a known shape,
// and with encoding/json's Unmarshal, whose errors it makes safe to log.
package jsonscan
