package cli

import "github.com/spf13/cobra"

// commands returns the commands below webpubsub, in alphabetical order. Each is in a file
// of its name.
func commands(env Environment) []*cobra.Command {
	return []*cobra.Command{
		checkCommand(env),
		completionCommand(),
		connectCommand(env),
		connectionCommand(),
		emulatorCommand(env),
		groupCommand(),
		healthCommand(),
		listenCommand(env),
		permissionCommand(),
		sendCommand(),
		settingsCommand(),
		signCommand(),
		tokenCommand(),
		triggerCommand(env),
		userCommand(),
		verifyCommand(),
		versionCommand(),
	}
}
