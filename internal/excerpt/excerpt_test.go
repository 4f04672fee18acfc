package excerpt_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/excerpt"
)

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
