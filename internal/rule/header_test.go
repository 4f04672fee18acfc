package rule_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestHeaders(t *testing.T) {
	t.Parallel()
	token := regexp.MustCompile("^[!#$%&'*+\\-.^_`|~0-9A-Za-z]+$")
	value := regexp.MustCompile(`^([[:graph:]]([\t [:graph:]]*[[:graph:]])?)?$`)
	texts := []string{"", " ", "\t", "a", "X-Trace", "a b", "a\tb", " a", "a ", "a\t", "a\r\nb", "é", "a,b"}
	for c := range 256 {
		texts = append(texts, string([]byte{byte(c)}), string([]byte{'a', byte(c), 'b'}))
	}
	for _, s := range texts {
		assert.Equal(t, token.MatchString(s), rule.IsToken(s), "token %q", s)
		assert.Equal(t, value.MatchString(s), rule.IsHeaderValue(s), "value %q", s)
	}
}
