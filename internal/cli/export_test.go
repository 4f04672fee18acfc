package cli

// ParseSettings parses the content of a settings file.
var ParseSettings = parseSettings

// RewriteSettings decodes the content of a settings file and writes it as YAML.
func RewriteSettings(data []byte) (string, error) {
	file, err := decodeSettings(data)
	if err != nil {
		return "", err
	}
	return file.yaml(file.hubs())
}
