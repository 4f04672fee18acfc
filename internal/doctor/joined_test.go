package doctor_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/conformance"
	"github.com/go-webpubsub/webpubsub/internal/conformance/broken"
)

// A check tells a proxy that joins header lines from a handler that reads them wrongly.
func TestJoinedSignature(t *testing.T) {
	t.Parallel()
	handlers, err := broken.Handlers()
	require.NoError(t, err)
	for name, want := range map[string]struct {
		status conformance.Status
		text   string
	}{
		"proxy that joins signatures": {conformance.Warned, "something in front of the handler joins the lines of ce-signature with a comma and a space, which the handler does not trim"},
		"spaces not trimmed":          {conformance.Warned, "the handler does not trim the space after a comma of ce-signature: it refuses the events behind a proxy that joins header lines"},
		"first line only":             {conformance.Warned, "the handler uses the first line of ce-signature only, or a proxy in front of it drops the others"},
		"a line is a token":           {conformance.Failed, "the handler takes each line of ce-signature for one signature; the service sends two in one line, and proxies join lines with a comma"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, handlers, name)
			v := visit(t, options(serve(t, handlers[name])+"/eventhandler"))
			require.NotNil(t, v.cause)
			assert.Equal(t, want.text, v.cause.Text)
			for _, r := range v.results {
				if r.ID == v.broken[0] {
					assert.Equal(t, want.status, r.Status)
				}
			}
		})
	}
}
