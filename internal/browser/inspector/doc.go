// Package inspector tests the page of the emulator's inspector.
package inspector
