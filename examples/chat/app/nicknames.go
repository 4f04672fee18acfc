package app

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/go-webpubsub/webpubsub"
)

// admit cleans a person's nickname and rejects one that is not readable or looks like
// that of another user.
func (c *Chat) admit(ctx context.Context, who *Person, arrives bool) (err error) {
	if who.Name, err = precis.Nickname.String(who.Name); err != nil || utf8.RuneCountInString(who.Name) > 20 {
		return webpubsub.BadRequest("A nickname has 1 to 20 characters, all of which can be seen.")
	}
	if !oneScript(who.Name) {
		return webpubsub.BadRequest("A nickname has letters of one script.")
	}
	switch err = c.People.Admit(ctx, Guest{*who, looks(who.Name)}, arrives); {
	case errors.Is(err, ErrHere):
		return webpubsub.Conflict("Somebody here has this nickname.")
	case errors.Is(err, ErrAbsent):
		return webpubsub.Conflict("Somebody had this nickname a moment ago. Try again in half a minute.")
	}
	return err
}

// scripts are the recommended ones (UAX #31, table 5). A nickname has letters of one
// element; digits, marks, punctuation and emoji are in all of them.
var scripts = [][]*unicode.RangeTable{
	{unicode.Latin, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo},
	{unicode.Arabic}, {unicode.Armenian}, {unicode.Bengali}, {unicode.Cyrillic}, {unicode.Devanagari}, {unicode.Ethiopic},
	{unicode.Georgian}, {unicode.Greek}, {unicode.Gujarati}, {unicode.Gurmukhi}, {unicode.Hebrew}, {unicode.Kannada},
	{unicode.Khmer}, {unicode.Lao}, {unicode.Malayalam}, {unicode.Myanmar}, {unicode.Oriya}, {unicode.Sinhala},
	{unicode.Tamil}, {unicode.Telugu}, {unicode.Thaana}, {unicode.Thai}, {unicode.Tibetan},
}

func oneScript(name string) bool {
	return slices.ContainsFunc(scripts, func(script []*unicode.RangeTable) bool {
		return !strings.ContainsFunc(name, func(r rune) bool {
			return !unicode.In(r, unicode.Common, unicode.Inherited) && !unicode.In(r, script...)
		})
	})
}

// lookalikes are characters of Latin, Cyrillic and Greek that look like a Latin letter
// in most fonts. UTS #39 has the table for all of Unicode. This one, for an example,
// omits letters that differ by a mark, and other scripts.
var lookalikes = strings.NewReplacer(
	"0", "O", "1", "l", "I", "l", "|", "l", "rn", "m", "vv", "w", "VV", "W", "ı", "i", "ɑ", "a", "ɡ", "g",
	"А", "A", "В", "B", "Е", "E", "З", "3", "І", "l", "Ј", "J", "К", "K", "М", "M", "Н", "H", "О", "O", "Р", "P",
	"С", "C", "Ѕ", "S", "Т", "T", "У", "Y", "Х", "X", "Ԍ", "G", "Ԛ", "Q", "Ԝ", "W", "Ү", "Y", "Ӏ", "l",
	"а", "a", "е", "e", "һ", "h", "і", "i", "ј", "j", "ӏ", "l", "о", "o", "р", "p", "ԛ", "q", "с", "c", "ѕ", "s",
	"у", "y", "ү", "y", "х", "x", "ԁ", "d", "ԝ", "w", "г", "r", "ѵ", "v", "к", "k",
	"Α", "A", "Β", "B", "Ε", "E", "Ζ", "Z", "Η", "H", "Ι", "l", "Κ", "K", "Μ", "M", "Ν", "N", "Ο", "O", "Ρ", "P",
	"Τ", "T", "Υ", "Y", "Χ", "X", "α", "a", "γ", "y", "ι", "i", "κ", "k", "ν", "v", "ο", "o", "ρ", "p", "σ", "o", "υ", "u", "χ", "x",
)

// looks returns two texts of a nickname: as it is written, and in small letters.
// Nicknames look alike if the first or the second texts are equal.
func looks(name string) [2]string {
	small := fold(name)
	return [2]string{fold(lookalikes.Replace(name)), fold(lookalikes.Replace(small))}
}

// fold removes differences of case, width and space.
func fold(name string) string {
	if key, err := precis.Nickname.CompareKey(name); err == nil {
		return key
	}
	return name
}
