package cli

import "time"

// ParseSettings parses the content of a settings file.
var ParseSettings = parseSettings

// LookInto returns the text of a token's claims and expiry.
func LookInto(token string, now time.Time) (claims, expiry string, err error) {
	t, err := decodeToken(tokenIn(token))
	if err != nil {
		return "", "", err
	}
	return printableLines(indented(t.Claims)), t.expiry(now), nil
}

// RewriteSettings decodes the content of a settings file and writes it as YAML.
func RewriteSettings(data []byte) (string, error) {
	file, err := decodeSettings(data)
	if err != nil {
		return "", err
	}
	return file.yaml(file.hubs())
}
