package emulator

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ConnectionString returns the connection string of an emulator at an endpoint,
// such as http://127.0.0.1:8080, for service clients and event handlers. It
// contains the access key: treat it as a secret.
func ConnectionString(endpoint, accessKey string) string {
	return "Endpoint=" + endpoint + ";AccessKey=" + accessKey + ";Version=1.0;"
}

// minKeyBytes is the minimum of Microsoft's emulator and libraries.
const minKeyBytes = 32

// checkKeys rejects keys that would fail later, in a connection string or in other
// tools. Its errors do not contain the key.
func checkKeys(keys []string) error {
	if len(keys) == 0 {
		return errors.New("AccessKeys: no access key")
	}
	for i, key := range keys {
		if err := checkKey(key); err != nil {
			return fmt.Errorf("AccessKeys[%d] %w", i, err)
		}
	}
	return nil
}

func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("is empty; leave AccessKeys nil for the well-known key")
	case strings.TrimSpace(key) != key:
		return errors.New("has leading or trailing space, which connection strings do not preserve; remove it")
	case strings.Contains(key, ";"):
		return errors.New("has a semicolon, which ends the key in a connection string; use another key")
	case !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return errors.New("has a control character or is not UTF-8; use a key of text")
	case len(key) < minKeyBytes:
		return fmt.Errorf("has %d bytes, want at least %d; create one with openssl rand -base64 32", len(key), minKeyBytes)
	}
	return nil
}
