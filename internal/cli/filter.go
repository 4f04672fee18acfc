package cli

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/odata"
	"github.com/go-webpubsub/webpubsub/service/filter"
)

// filterHelp is the part of a command's help about its filter.
const filterHelp = `A filter is an OData condition on connections, such as
  userId eq 'ann'             'lobby' in groups and not ('vip' in groups)
  userId in ('ann', 'ben')    startswith(userId, 'guest-') or userId eq null
It is checked before it is sent.`

// filterFlag is the flag --filter. It is checked when it is set.
type filterFlag struct{ text string }

// filter returns the filter. It is the zero Filter if the flag is not set.
func (f *filterFlag) filter() filter.Filter { return filter.Raw(f.text) }

// String returns the text. It implements [pflag.Value].
func (f *filterFlag) String() string { return f.text }

// Set sets the text. Its error shows where the mistake is.
func (f *filterFlag) Set(text string) error {
	if text == "" {
		return errors.New("want a filter; the filter true matches every connection")
	}
	_, err := odata.Parse(text)
	if mistake := (*odata.Error)(nil); errors.As(err, &mistake) {
		return fmt.Errorf("character %d: %s\n%s", 1+utf8.RuneCountInString(text[:mistake.Offset]), printable(excerpt.Cut(mistake.Reason, maxReason)), pointAt(text, mistake.Offset))
	}
	f.text = text
	return err
}

// Type returns the word for the value in a usage text.
func (f *filterFlag) Type() string { return "filter" }

// maxReason is how many bytes of a reason are shown. It may quote a string of the filter.
const maxReason = 256

// pointAt returns the part of a text around an offset, and a line with a mark below it.
func pointAt(text string, offset int) string {
	const before, after = 50, 20 // bytes
	start := max(0, offset-before)
	for start < offset && !utf8.RuneStart(text[start]) {
		start++
	}
	part := excerpt.Line(text[start:], offset-start+after)
	column := utf8.RuneCountInString(excerpt.Line(text[start:offset], offset-start))
	return "  " + part + "\n  " + strings.Repeat(" ", column) + "^"
}
