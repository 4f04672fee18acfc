package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// checkTarget returns an error if a URL cannot be that of a handler. It is stricter
// than net/url, which accepts URLs that no client can connect to.
func checkTarget(u *url.URL) error {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("want an absolute http or https URL")
	case u.User != nil:
		return errors.New("user information is not allowed")
	case u.Hostname() == "":
		return errors.New("the host is missing")
	}
	if err := CheckHost(u.Hostname()); err != nil {
		return err
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("port %s: want a number from 1 to 65535", port)
		}
	}
	return nil
}

// CheckHost returns an error if host is neither an IP address nor a host name. A
// name may have underscores, as those of containers do, and letters of any script.
func CheckHost(host string) error {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	const rule = "host is neither an IP address nor a name of letters, digits, hyphens and underscores, in parts of 1 to 63 separated by dots"
	name := strings.TrimSuffix(host, ".")
	if len(name) > 253 {
		return errors.New("host is longer than 253 bytes")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, notInLabel) {
			return errors.New(rule)
		}
	}
	return nil
}

func notInLabel(c rune) bool {
	return c != '-' && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) && !unicode.IsMark(c)
}

// WithoutSecrets returns a URL or template without user information and query, for
// errors and logs.
func WithoutSecrets(text string) string {
	if before, _, ok := strings.Cut(text, "?"); ok {
		text = before + "?…"
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if ok {
		scheme += "://"
	} else { // the text may be user:password@host
		scheme, rest = "", text
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = "…" + rest[at:]
	}
	return scheme + rest
}
