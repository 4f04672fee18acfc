package azure_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/go-webpubsub/webpubsub/internal/cli/azure"
)

// TestQuotes checks the quoting of each language. The module parsers checks all that is
// written by parsers of these languages.
func TestQuotes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, shell, bicep, terraform string }{
		{"a", `a`, `'a'`, `"a"`},
		{"a b", `'user-event-pattern=a b'`, `'a b'`, `"a b"`},
		{`it's`, `'user-event-pattern=it'\''s'`, `'it\'s'`, `"it's"`},
		{`"`, `'user-event-pattern="'`, `'"'`, `"\""`},
		{`\`, `'user-event-pattern=\'`, `'\\'`, `"\\"`},
		{"${a}", `'user-event-pattern=${a}'`, `'\${a}'`, `"$${a}"`},
		{"%{a}", `'user-event-pattern=%{a}'`, `'%{a}'`, `"%%{a}"`},
		{"{hub}", `'user-event-pattern={hub}'`, `'{hub}'`, `"{hub}"`},
		{"`a`", "'user-event-pattern=`a`'", "'`a`'", "\"`a`\""},
		{"$(a)", `'user-event-pattern=$(a)'`, `'$(a)'`, `"$(a)"`},
		{"*", `'user-event-pattern=*'`, `'*'`, `"*"`},
	} {
		hubs := []azure.Hub{{Name: "h", EventHandlers: []azure.EventHandler{{URLTemplate: "http://h", UserEventPattern: tt.text}}}}
		s := azure.Service{Name: "s", ResourceGroup: "g"}
		assert.Contains(t, azure.CLI(s, hubs), tt.shell+"\n")
		assert.Contains(t, azure.Bicep(s, hubs), "userEventPattern: "+tt.bicep+"\n")
		assert.Contains(t, azure.Terraform(s, hubs), "user_event_pattern = "+tt.terraform+"\n")
	}
}

func TestSymbols(t *testing.T) {
	t.Parallel()
	hubs := []azure.Hub{{Name: "a.b"}, {Name: "a,b"}, {Name: "a_b"}}
	text := azure.Bicep(azure.Service{Name: "s"}, hubs)
	for _, want := range []string{"resource hub_a_b '", "resource hub_a_b_2 '", "resource hub_a_b_3 '"} {
		assert.Contains(t, text, want)
	}
}
