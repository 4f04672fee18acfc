package trace

import (
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// maxText is how many bytes of a text are searched for secrets. The rest is dropped.
const maxText = 8 << 10

// hidden replaces a value that is a secret as a whole.
const hidden = "(hidden)"

// tokens are JWTs, signatures and the hub's reconnection tokens, which are longer
// than its other ids. What is left of a JWT that was cut matches, too.
var tokens = regexp.MustCompile(`eyJ[\w.-]*|[[:xdigit:]]{33,}`)

// tokenMargin is the length of the longest text that [tokens] matches as a whole only.
const tokenMargin = 64

// secretHeaders are headers whose values are not shown.
var secretHeaders = [...]string{"Authorization", "Cookie", "Set-Cookie", "Proxy-Authorization", wire.HeaderSignature}

// secretMembers are the secret headers of a client in the body of a connect event.
var secretMembers = regexp.MustCompile(`(?i)("(?:` + strings.Join(secretHeaders[:], "|") + `)"\s*:\s*)\[(?:\s*"(?:[^"\\]|\\.)*"\s*,?)*\s*(?:\]|"(?:[^"\\]|\\.)*$|$)`)

func isSecret(header string) bool {
	return slices.ContainsFunc(secretHeaders[:], func(name string) bool { return strings.EqualFold(name, header) })
}

// secrets finds secrets in texts, wherever a client, a REST call or an event handler
// has put them.
type secrets struct {
	keys   *strings.Replacer
	margin int // length of the longest secret
}

// newSecrets returns secrets with the access keys in every form in which a text may
// contain them.
func newSecrets(keys []string) *secrets {
	var pairs []string
	margin := tokenMargin
	for _, key := range keys {
		quoted := strconv.Quote(key)
		for _, form := range []string{key, quoted[1 : len(quoted)-1], strings.ToLower(key), url.PathEscape(key), url.QueryEscape(key)} {
			pairs = append(pairs, form, "(key)")
			margin = max(margin, len(form))
		}
	}
	return &secrets{strings.NewReplacer(pairs...), margin}
}

// clean hides secrets in all texts and payloads of a record. It finds the fields by
// reflection, so that no type can leave one out.
func (x *secrets) clean(record reflect.Value) {
	for i := range record.NumField() {
		field := record.Field(i)
		if payload, ok := reflect.TypeAssert[*Payload](field.Addr()); ok {
			payload.secrets = x
		} else if field.Kind() == reflect.Struct {
			x.clean(field)
		} else if field.Kind() == reflect.String {
			field.SetString(x.text(field.String(), maxText))
		}
	}
}

// text returns the beginning of a text without secrets. A part of a secret at the end of a
// cut text would not be found, so text drops the end as well.
func (x *secrets) text(s string, most int) string {
	cut := excerpt.Cut(s, most)
	out := tokens.ReplaceAllString(x.keys.Replace(cut), "(token)")
	if len(s) <= most {
		return out
	}
	return excerpt.Cut(out, max(len(out)-len("…")-x.margin, 0))
}
