// Package connstr parses the connection strings of Azure Web PubSub.
package connstr

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
)

// EmulatorKey is the default access key of Microsoft's and this module's emulator.
// It is public.
const EmulatorKey = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"

// ConnectionString is a parsed connection string,
// "Endpoint=https://name.webpubsub.azure.com;AccessKey=…;Version=1.0;".
// It never prints its access key.
type ConnectionString struct {
	// Endpoint is the service's base URL: http or https, a host, possibly a
	// port and a path without trailing slash.
	Endpoint *url.URL
	// AccessKey is empty in connection strings for Microsoft Entra ID.
	AccessKey string
}

// form describes a connection string and how to get one.
const form = `want Endpoint=…;AccessKey=…; as "az webpubsub key show" prints it, or "webpubsub emulator" its own`

// Parse parses a connection string. It ignores white space around keys and values,
// empty segments and unknown keys, and compares keys without case. Of s, errors
// contain only the names of known keys and parts of the endpoint.
func Parse(s string) (ConnectionString, error) {
	if strings.TrimSpace(s) == "" {
		return ConnectionString{}, errors.New("connection string is empty, " + form)
	}
	values := make(map[string]string, 4)
	for i, segment := range strings.Split(s, ";") {
		if segment = strings.TrimSpace(segment); segment == "" {
			continue
		}
		key, value, ok := strings.Cut(segment, "=")
		if !ok {
			return ConnectionString{}, fmt.Errorf("connection string: part %d has no =, %s", i+1, form)
		}
		name := strings.ToLower(strings.TrimSpace(key))
		switch name {
		case "endpoint", "accesskey", "port":
		default:
			continue
		}
		if _, twice := values[name]; twice {
			return ConnectionString{}, fmt.Errorf("connection string: %s is set twice", name)
		}
		if value = strings.TrimSpace(value); value == "" {
			return ConnectionString{}, fmt.Errorf("connection string: %s is empty", name)
		}
		values[name] = value
	}
	endpoint, ok := values["endpoint"]
	if !ok {
		return ConnectionString{}, errors.New("connection string: Endpoint is missing, " + form)
	}
	u, err := ParseEndpoint(endpoint)
	if err != nil {
		return ConnectionString{}, fmt.Errorf("connection string: %w", err)
	}
	if port, ok := values["port"]; ok {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return ConnectionString{}, errors.New("connection string: Port is not a number from 1 to 65535") // not quoted: it may be a key
		}
		host := u.Hostname()
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		u.Host = host + ":" + port
	}
	return ConnectionString{Endpoint: u, AccessKey: values["accesskey"]}, nil
}

// ParseEndpoint parses a service endpoint. Its scheme defaults to https.
func ParseEndpoint(s string) (*url.URL, error) {
	if !strings.Contains(s, "://") {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, errors.New("endpoint is not a URL")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("endpoint has scheme %q, want http or https", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("endpoint has no host")
	case strings.ContainsFunc(u.Hostname(), notInHostName):
		return nil, errors.New("endpoint has a host with an invalid character")
	case u.User != nil:
		return nil, errors.New("endpoint has user information, want none")
	case strings.ContainsAny(s, "?#"): // even with nothing behind it
		return nil, errors.New("endpoint has a query or fragment, want none")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("endpoint has port %q, want a number from 1 to 65535", port)
		}
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

// notInHostName reports whether a character cannot be in a DNS name or IP address.
// net/url accepts more, and would accept a key as a host.
func notInHostName(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune(".-_:", c))
}

// Host returns the endpoint's host name in lower case, without port, as the service
// sends it in WebHook-Request-Origin.
func (c ConnectionString) Host() string { return strings.ToLower(c.Endpoint.Hostname()) }

// String returns the connection string without its access key.
func (c ConnectionString) String() string {
	if c.Endpoint == nil {
		return ""
	}
	s := "Endpoint=" + c.Endpoint.String() + ";"
	if c.AccessKey != "" {
		s += "AccessKey=REDACTED;"
	}
	return s + "Version=1.0;"
}

// Format keeps every verb from printing the access key.
func (c ConnectionString) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// LogValue keeps log/slog from printing the access key.
func (c ConnectionString) LogValue() slog.Value { return slog.StringValue(c.String()) }
