package upstream

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// Curl returns a command for a POSIX shell that sends a request with a body, which
// must be text. The command contains the request's signature.
func Curl(req *http.Request, body string) (string, error) {
	if strings.ContainsRune(body, 0) || !utf8.ValidString(body) {
		return "", errors.New("the body has a NUL byte or is not UTF-8, which no command line can hold")
	}
	if body == "" && (req.Method == http.MethodGet || req.Method == http.MethodHead || req.Method == http.MethodDelete) {
		return curl(req, "")
	}
	return curl(req, "--data-raw "+Quote(body))
}

// CurlInput is [Curl] with a body that the command reads from its standard input.
func CurlInput(req *http.Request) (string, error) { return curl(req, "--data-binary @-") }

// curl returns a command with an argument for the body, or "".
func curl(req *http.Request, data string) (string, error) {
	if err := CheckHeader(req.Header); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("curl -i --globoff ")
	switch {
	case req.Method == http.MethodHead && data == "":
		b.WriteString("--head ")
	case req.Method != "" && req.Method != http.MethodPost:
		b.WriteString("-X " + Quote(req.Method) + " ")
	}
	b.WriteString(Quote(req.URL.String()))
	for _, name := range slices.Sorted(maps.Keys(req.Header)) {
		for _, value := range req.Header[name] {
			line := Spelling(name) + ": " + value
			if value == "" {
				line = Spelling(name) + ";" // with a colon, curl leaves the header out
			}
			fmt.Fprintf(&b, " \\\n  -H %s", Quote(line))
		}
	}
	if _, typed := req.Header[wire.HeaderContentType]; !typed && data != "" {
		b.WriteString(" \\\n  -H 'Content-Type:'") // curl would write its own
	}
	if data != "" {
		b.WriteString(" \\\n  " + data)
	}
	return b.String(), nil
}

// Quote quotes s as one word of a POSIX shell. Control characters are written as octal
// numbers: a terminal into which the word is pasted would act on them.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'':
			b.WriteString(`'\''`)
		case unicode.IsControl(r) && r != '\n' && r != '\t':
			b.WriteString(`'"$(printf '`)
			for _, c := range []byte(string(r)) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
			b.WriteString(`')"'`)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
