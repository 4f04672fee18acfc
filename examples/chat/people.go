package main

import (
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/go-webpubsub/webpubsub"
)

// absence is how long a nickname is reserved after the user's last connection has
// ended: the page may reconnect. It waits up to 15 seconds between tries.
const absence = 30 * time.Second

// maxAbsent is how many nicknames are reserved. The oldest are dropped first.
const maxAbsent = 1000

// people are the connected users, and those who may reconnect. A restart of the server
// forgets all nicknames.
type people struct {
	absence time.Duration

	mu     sync.Mutex
	here   map[string]guest // by connection
	absent []guest          // the last to leave is the last element
}

// guest is a person as others see their nickname.
type guest struct {
	Person
	looks [2]string
	until time.Time // of an absent guest: when the nickname becomes free
}

func newPeople() *people { return &people{absence: absence, here: make(map[string]guest)} }

// admit rejects a nickname that is not readable or looks like that of another user. It
// stores a person who arrives, and the new name of one who is here.
func (p *people) admit(who *Person, arrives bool) (err error) {
	if who.Name, err = precis.Nickname.String(who.Name); err != nil || utf8.RuneCountInString(who.Name) > 20 {
		return webpubsub.BadRequest("A nickname has 1 to 20 characters, all of which can be seen.")
	}
	if !oneScript(who.Name) {
		return webpubsub.BadRequest("A nickname has letters of one script.")
	}
	newcomer := guest{Person: *who, looks: looks(who.Name)}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, other := range p.here {
		if newcomer.resembles(other) {
			return webpubsub.Conflict("Somebody here has this nickname.")
		}
	}
	p.forget()
	if slices.ContainsFunc(p.absent, newcomer.resembles) {
		return webpubsub.Conflict("Somebody had this nickname a moment ago. Try again in half a minute.")
	}
	if arrives {
		p.absent = slices.DeleteFunc(p.absent, func(g guest) bool { return g.User == who.User })
	}
	if _, here := p.here[who.Connection]; here || arrives { // else the connection has ended already
		p.here[who.Connection] = newcomer
	}
	return nil
}

// leave removes a connection. If it was the user's last, the nickname stays reserved
// for a while.
func (p *people) leave(connection string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g, here := p.here[connection]
	if !here {
		return
	}
	delete(p.here, connection)
	for _, other := range p.here {
		if other.User == g.User {
			return
		}
	}
	p.forget()
	if len(p.absent) == maxAbsent {
		p.absent = slices.Delete(p.absent, 0, 1)
	}
	g.until = time.Now().Add(p.absence)
	p.absent = append(p.absent, g)
}

// forget drops those who have been absent for too long.
func (p *people) forget() {
	now := time.Now()
	kept := slices.IndexFunc(p.absent, func(g guest) bool { return now.Before(g.until) })
	if kept < 0 {
		kept = len(p.absent)
	}
	p.absent = slices.Delete(p.absent, 0, kept)
}

// at returns the person at a connection, or a zero Person.
func (p *people) at(connection string) Person {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.here[connection].Person
}

func (g guest) resembles(other guest) bool {
	return g.User != other.User && (g.looks[0] == other.looks[0] || g.looks[1] == other.looks[1])
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
