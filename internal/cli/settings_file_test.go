package cli_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli"
)

func TestUnknownFieldShowsNoSecret(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"http://h.test/e?code=SECRET":       `line 3, column 5: unknown field "http://h.test/e?…"`,
		"https://ann:SECRET@h.test/e":       `line 3, column 5: unknown field "https://…@h.test/e"`,
		strings.Repeat("x", 200) + "SECRET": `line 3, column 5: unknown field "` + strings.Repeat("x", 128) + `"`,
	} {
		_, err := cli.ParseSettings([]byte("hubs:\n  chat:\n    " + name + ": x\n"))
		require.EqualError(t, err, want)
	}
}
