package excerpt_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

func TestName(t *testing.T) {
	t.Parallel()
	assert.Equal(t, `"a\nb"`, excerpt.Name("a\nb"))
	assert.Equal(t, `"`+strings.Repeat("x", 128)+`…"`, excerpt.Name(strings.Repeat("x", 129)))
	assert.Equal(t, "(a connection string)", excerpt.Name("Endpoint=https://a.com;ACCESSKEY=s3cr3t"))
}

func TestShort(t *testing.T) {
	t.Parallel()
	assert.Equal(t, strings.Repeat("x", 128), excerpt.Short(strings.Repeat("x", 128)))
	assert.Equal(t, strings.Repeat("x", 128)+"…", excerpt.Short(strings.Repeat("x", 129)))
}

func TestCut(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "four", excerpt.Cut("four", 4))
	assert.Equal(t, "fou…", excerpt.Cut("four", 3))
	assert.Equal(t, "a…", excerpt.Cut("aé", 2), "between two characters")
	assert.Equal(t, "…", excerpt.Cut("\x80\x80\x80", 2), "where no character begins")
}

func TestLine(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "a b  c", excerpt.Line("a\nb\r\x1bc", 100))
	assert.Equal(t, "ab", excerpt.Line("a\xffb", 100))
	assert.Equal(t, "a …", excerpt.Line("a\nbc", 2))
}
