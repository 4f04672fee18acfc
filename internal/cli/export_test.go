package cli

// ParseSettings reads the content of a settings file.
var ParseSettings = parseSettings
