// Package cli is the program webpubsub: its commands, flags and settings.
package cli
