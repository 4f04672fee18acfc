package service

import (
	"errors"
	"net/url"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/connstr"
)

// parseBase parses the base URL of requests, without trailing slash.
func parseBase(s string) (*url.URL, error) {
	u, err := connstr.ParseEndpoint(s)
	if err != nil {
		return nil, err
	}
	// A connection string passed as an endpoint would end up in audiences, logs and
	// errors.
	if strings.ContainsAny(u.Path, ";=") {
		return nil, errors.New("endpoint has ; or =, want a URL and not a connection string")
	}
	// URL libraries omit the default port, and the audience of a token must be the
	// same text.
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u, nil
}

// rebase returns a URL with one base replaced by another.
func rebase(u, from, to *url.URL) *url.URL {
	moved := *u
	moved.Scheme, moved.Host = to.Scheme, to.Host
	moved.Path = to.Path + strings.TrimPrefix(u.Path, from.Path)
	moved.RawPath = to.EscapedPath() + strings.TrimPrefix(u.EscapedPath(), from.EscapedPath())
	return &moved
}

// appendEscaped appends a segment of a path or a value of a query, escaped like
// encodeURIComponent of JavaScript. In a query it also escapes a single quote, as
// URL libraries do: the audience of a token must stay the same text.
func appendEscaped(b []byte, s string, inQuery bool) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; isUnreserved(c) || c == '\'' && !inQuery {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~!*()", c) >= 0
}
