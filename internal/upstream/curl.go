package upstream

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Curl returns a command for a POSIX shell that sends a request with a body, which
// must be text. The command contains the request's signature.
func Curl(req *http.Request, body string) (string, error) {
	if strings.ContainsRune(body, 0) || !utf8.ValidString(body) {
		return "", errors.New("the body has a NUL byte or is not UTF-8, which no command line can hold")
	}
	if err := CheckHeader(req.Header); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "curl -i --globoff %s", Quote(req.URL.String()))
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			line := Spelling(name) + ": " + value
			if value == "" {
				line = Spelling(name) + ";" // with a colon, curl leaves the header out
			}
			fmt.Fprintf(&b, " \\\n  -H %s", Quote(line))
		}
	}
	if _, typed := req.Header[wire.HeaderContentType]; !typed {
		b.WriteString(" \\\n  -H 'Content-Type:'") // curl would write its own
	}
	fmt.Fprintf(&b, " \\\n  --data-raw %s", Quote(body))
	return b.String(), nil
}

// Quote quotes s as one word of a POSIX shell.
func Quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
