// Package cli implements the commands of the program webpubsub.
//
// A command is in a file of its name and a line of [commands]. What commands share:
//
//   - target: the flags for the service and hub, and the client for them
//   - output: the flag --output, for a result as text or JSON on stdout
//   - readArgument: an argument that may be a file (@name) or stdin (-)
//   - usage, ErrNo: errors that exit with 2, and with 1 after the answer was printed
//   - family: a command with commands below it
//   - terminal, palette: colours on a terminal
//   - untilInterrupted: for a command that serves
//
// Each flag can be set in the environment, so a flag must not be required by cobra and a
// command must not have a PersistentPreRun. Tests run the Example of each command.
package cli
