package cli

// ParseSettings parses the content of a settings file.
var ParseSettings = parseSettings
