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

// minKeyBytes is what Microsoft's emulator and libraries want of a key.
const minKeyBytes = 32

// checkKeys refuses keys that would fail later, where nobody suspects them: in a
// connection string, or in another's tool. No error shows a key.
func checkKeys(keys []string) error {
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
		return errors.New("is empty, want a key; leave AccessKeys nil for the well-known one")
	case strings.TrimSpace(key) != key:
		return errors.New("has space around it, which connection strings do not keep; cut it off")
	case strings.Contains(key, ";"):
		return errors.New("has a semicolon, at which a connection string ends it; take another key")
	case !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return errors.New("has a control character or is not UTF-8; take a key of text")
	case len(key) < minKeyBytes:
		return fmt.Errorf("has %d bytes, want at least %d; openssl rand -base64 32 makes one", len(key), minKeyBytes)
	}
	return nil
}
