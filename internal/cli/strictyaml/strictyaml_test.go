package strictyaml_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/cli/strictyaml"
)

type file struct {
	Name  string           `yaml:"name"`
	Count int              `yaml:"count"`
	On    bool             `yaml:"on"`
	Parts []part           `yaml:"parts"`
	More  map[string]*part `yaml:"more"`
}

type part struct {
	URLTemplate string `yaml:"urlTemplate"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, data, err string }{
		{"YAML", "name: a\nparts: [{urlTemplate: b}]", ""},
		{"JSON", `{"name": "a"}`, ""},
		{"empty", "", ""},
		{"unknown", "\nnam: a", `line 2, column 1: unknown field "nam", did you mean "name"?`},
		{"unknown below", "more: {x: {urlTemplat: a}}", `line 1, column 12: unknown field "urlTemplat", did you mean "urlTemplate"?`},
		{"of another mapping", "urlTemplate: a", `line 1, column 1: unknown field "urlTemplate" here, did you mean "parts.urlTemplate"?`},
		{"unlike any", "zzzzzz: a", `line 1, column 1: unknown field "zzzzzz"`},
		{"a URL with a secret for a name", "http://u/?code=secret: a", `line 1, column 1: unknown field "http://u/?…"`},
		{"text", "name: [a]", "line 1, column 7: want text"},
		{"number", "count: a", "line 1, column 8: want a whole number"},
		{"bool", "on: a", "line 1, column 5: want true or false"},
		{"list", "parts: a", "line 1, column 8: string was used where sequence is expected"},
		{"two documents", "name: a\n---\nname: b", "want one document"},
		{"twice", "name: a\nname: b", `line 2, column 1: mapping key "name" already defined at [1:1]`},
		{"syntax", "name: \"", "line 1, column 7: could not find end character of double-quoted text"},
	} {
		err := strictyaml.Decode([]byte(tt.data), new(file))
		if tt.err == "" {
			require.NoError(t, err, tt.name)
			continue
		}
		require.EqualError(t, err, tt.err, tt.name)
	}
	var list []part
	require.EqualError(t, strictyaml.Decode([]byte("!x y"), &list), "malformed YAML", "on which the decoder panics")

	var in file
	require.NoError(t, strictyaml.DecodeKnown([]byte("name: a\nother: b"), &in))
	assert.Equal(t, "a", in.Name)
}
