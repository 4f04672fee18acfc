package trace

import (
	"encoding/base64"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxText is how many bytes of a text are searched for secrets. The rest is dropped.
const maxText = 8 << 10

// What is in the place of a secret.
const (
	hidden      = "(hidden)" // a value that is a secret as a whole
	hiddenKey   = "(key)"
	hiddenToken = "(token)"
)

// secrets finds secrets in texts, wherever a client, a REST call or an event handler
// has put them.
type secrets struct {
	forms  []string // of access keys
	keys   *strings.Replacer
	margin int // length of the longest secret
}

// newSecrets returns secrets with the access keys in every form in which a text may
// contain them.
func newSecrets(keys []string) *secrets {
	x := &secrets{margin: tokenMargin}
	var pairs []string
	for _, key := range keys {
		quoted := strconv.Quote(key)
		for _, form := range []string{key, quoted[1 : len(quoted)-1], strings.ToLower(key), textproto.CanonicalMIMEHeaderKey(key), url.PathEscape(key), url.QueryEscape(key)} {
			if slices.Contains(x.forms, form) {
				continue
			}
			x.forms = append(x.forms, form)
			pairs = append(pairs, form, hiddenKey)
			x.margin = max(x.margin, len(form))
		}
	}
	x.keys = strings.NewReplacer(pairs...)
	return x
}

// clean hides secrets in all texts and payloads of a record. It finds the fields by
// reflection, so that no type can leave one out. Lists and maps are copied: they are
// not the record's.
func (x *secrets) clean(record reflect.Value) {
	for i := range record.NumField() {
		field := record.Field(i)
		switch to := field.Addr().Interface().(type) {
		case *string:
			*to = x.text(*to, maxText)
		case *Client:
			to.clean(x)
		case *Payload:
			to.secrets = x
		case *State:
			to.read(x)
		case *[]string:
			*to = x.list(*to)
		case *map[string]string:
			*to = x.texts(*to)
		case *map[string][]string:
			*to = x.header(*to)
		case *[]Attempt:
			*to = slices.Clone(*to)
			for i := range *to {
				x.clean(reflect.ValueOf(&(*to)[i]).Elem())
			}
		default:
			if field.Kind() == reflect.Struct {
				x.clean(field)
			}
		}
	}
}

func (x *secrets) cleanFrame(r *FrameOut) {
	r.Client.clean(x)
	switch r.Subprotocol {
	case "", wire.SubprotocolJSON, wire.SubprotocolJSONReliable, wire.SubprotocolProtobuf, wire.SubprotocolProtobufReliable:
	default:
		r.Subprotocol = x.text(r.Subprotocol, maxText)
	}
	r.Data.secrets = x
}

func (c *Client) clean(x *secrets) {
	if c.cleaned {
		c.cleaned = false
		return
	}
	for _, s := range [...]*string{&c.Hub, &c.Connection, &c.User} {
		*s = x.text(*s, maxText)
	}
}

func (x *secrets) list(in []string) []string {
	out := slices.Clone(in)
	for i, s := range out {
		out[i] = x.text(s, maxText)
	}
	return out
}

func (x *secrets) texts(in map[string]string) map[string]string {
	if in == nil {
		return nil
	}
	out := make(map[string]string, len(in))
	for name, v := range in {
		out[x.text(name, maxText)] = x.text(v, maxText)
	}
	return out
}

// header returns a copy of a header, a query or claims. The values of secret headers are
// hidden as a whole.
func (x *secrets) header(in map[string][]string) map[string][]string {
	if in == nil {
		return nil
	}
	out := make(map[string][]string, len(in))
	for name, values := range in {
		cleaned := x.list(values)
		if isSecret(name) {
			cleaned = slices.Repeat([]string{hidden}, len(values))
		}
		name = x.text(name, maxText)
		out[name] = append(out[name], cleaned...)
	}
	return out
}

func isSecret(header string) bool {
	return slices.ContainsFunc(secretHeaders[:], func(name string) bool { return strings.EqualFold(name, header) })
}

// text returns the beginning of a text without secrets, and … if it was cut.
func (x *secrets) text(s string, most int) string {
	out, _ := x.cut(s, most)
	if out.Cut {
		out.Text += "…"
	}
	return out.Text
}

// cut returns the beginning of a text without secrets. A part of a secret at the end of a
// cut text would not be found, so cut drops the end as well.
// It also returns the patterns that the text may match.
func (x *secrets) cut(s string, most int) (out Excerpt, found marks) {
	out.Text, found = x.hide(s[:between(s, min(len(s), most))])
	if len(s) > most {
		out.Text, out.Cut = out.Text[:between(out.Text, max(len(out.Text)-x.margin, 0))], true
	}
	return out, found
}

// hide returns a text without secrets, and the patterns that it may match.
func (x *secrets) hide(s string) (string, marks) {
	s, found := x.hidePlain(s)
	if found&inEncoded != 0 {
		s = encoded.ReplaceAllStringFunc(s, func(match string) string {
			data, _ := base64.RawStdEncoding.DecodeString(standard.Replace(match[:len(match)-len(match)%4]))
			if plain, _ := x.hidePlain(string(data)); plain != string(data) {
				return hiddenToken
			}
			return match
		})
	}
	return s, found
}

// standard replaces the characters of base64 for URLs.
var standard = strings.NewReplacer("-", "+", "_", "/")

// hidePlain is hide without texts in base64. It returns the patterns that the text may match.
func (x *secrets) hidePlain(s string) (string, marks) {
	for _, form := range x.forms {
		if len(s) >= len(form) && strings.Contains(s, form) {
			s = x.keys.Replace(s)
			break
		}
	}
	found := scan(s)
	if found&inNamed != 0 {
		s = named.ReplaceAllStringFunc(s, func(match string) string {
			name := named.FindStringSubmatch(match)[1]
			if strings.HasPrefix(strings.ToLower(name), "accesskey") {
				return name + hiddenKey
			}
			return name + hiddenToken
		})
	}
	if found&inTokens != 0 {
		s = tokens.ReplaceAllString(s, hiddenToken)
	}
	return s, found
}

// between returns the last position up to n that is between two characters.
func between(s string, n int) int {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}
