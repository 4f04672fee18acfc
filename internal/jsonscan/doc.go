// Package jsonscan reads JSON that strangers sent: a scanner for texts whose
// shape is known, and encoding/json's Unmarshal with errors that are safe to
// log.
package jsonscan
