// Package cli implements the commands of the program webpubsub.
package cli
