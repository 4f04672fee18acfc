package parsers_test

import "github.com/go-webpubsub/webpubsub/internal/cli/azure"

const guid = "12345678-9012-3456-7890-123456789012"

var service = azure.Service{Name: "my-service", ResourceGroup: "it's (my)_group.1"}

// hostile are texts that mean something in a shell, JSON or Terraform.
var hostile = []string{
	"", "a", "a b", "'", "''", `"`, `\`, `\'`, `\"`, `\\`, "$", "${", "${a}", "$${a}", "$$${a}", "$$$${a}", "%{", "%{ if true }", "%%{a}", "%%%{a}",
	"$(id)", "`id`", "; id", "| id", "&& id", "> f", "#", "~", "*", "?", "[a]", "{a,b}", "!", "a=b", "-x", "--x", "@f", "<<EOF", "//", "/*", "*/",
	`\u0041`, `\n`, "é", "世界", "'\\''", `"\""`, "$'a'", "\\${a}", "\\\\${a}",
}

// everyHostile returns a hub with each hostile text in each place.
func everyHostile(presence bool) azure.Hub {
	h := azure.Hub{Name: "chat", AllowAnonymous: true}
	for _, text := range hostile {
		e := azure.EventHandler{
			URLTemplate: "https://h.test/{hub}/" + text, UserEventPattern: text,
			SystemEvents: []string{"connect", text}, AuthResource: text,
		}
		if presence {
			e.GroupEvents, e.GroupFilters = []string{"joined", "left"}, []string{text, "a.*"}
		}
		h.EventHandlers = append(h.EventHandlers, e)
	}
	return h
}

// hubs are hubs of all kinds.
func hubs() []azure.Hub {
	return []azure.Hub{
		{Name: "empty"},
		{Name: "a`b"},
		{Name: "a[b],c.d"},
		{Name: "plain", EventHandlers: []azure.EventHandler{{URLTemplate: "https://h.test/", AuthResource: guid}}},
		everyHostile(false),
		everyHostile(true),
	}
}
