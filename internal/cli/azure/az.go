package azure

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// CLI returns commands of the az CLI for a POSIX shell. A hub with group presence is
// put by az rest: the extension webpubsub cannot set that.
func CLI(s Service, hubs []Hub) string {
	var b strings.Builder
	for i := range hubs {
		if i > 0 {
			b.WriteByte('\n')
		}
		if hubs[i].hasPresence() {
			writeRest(&b, s, &hubs[i])
		} else {
			writeHubCreate(&b, s, &hubs[i])
		}
	}
	return b.String()
}

func writeHubCreate(b *strings.Builder, s Service, h *Hub) {
	anonymous := "false"
	if h.AllowAnonymous {
		anonymous = "true"
	}
	words(b, "az", "webpubsub", "hub", "create", "--name", s.Name, "--resource-group", s.ResourceGroup, "--hub-name", h.Name)
	b.WriteString(" \\\n  ")
	words(b, "--allow-anonymous", anonymous)
	for _, e := range h.EventHandlers {
		b.WriteString(" \\\n  ")
		words(b, "--event-handler", "url-template="+e.URLTemplate)
		if e.UserEventPattern != "" {
			words(b, "", "user-event-pattern="+e.UserEventPattern)
		}
		for _, name := range e.SystemEvents {
			words(b, "", "system-event="+name)
		}
		if e.AuthResource != "" {
			words(b, "", "auth-type=ManagedIdentity", "auth-resource="+e.AuthResource)
		}
	}
	b.WriteByte('\n')
}

func writeRest(b *strings.Builder, s Service, h *Hub) {
	words(b, "az", "rest", "--method", "put")
	b.WriteString(" \\\n  ")
	// az rest replaces {subscriptionId} by the current subscription.
	words(b, "--url", "https://management.azure.com/subscriptions/{subscriptionId}/resourceGroups/"+url.PathEscape(s.ResourceGroup)+
		"/providers/"+serviceType+"/"+url.PathEscape(s.Name)+"/hubs/"+url.PathEscape(h.Name)+"?api-version="+h.apiVersion())
	b.WriteString(" \\\n  ")
	words(b, "--body", indented(object{{"properties", properties(h)}}))
	b.WriteByte('\n')
}

// indented returns JSON with two spaces of indentation.
func indented(o object) string {
	text, err := o.MarshalJSON()
	if err != nil { // not of strings, objects and lists
		return ""
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return ""
	}
	return b.String()
}

// words writes words with spaces between them. An empty first word writes a space first.
func words(b *strings.Builder, all ...string) {
	for i, w := range all {
		if i > 0 {
			b.WriteByte(' ')
		}
		if i > 0 || w != "" {
			b.WriteString(shellWord(w))
		}
	}
}

// shellWord quotes a word for a POSIX shell, if it needs that.
func shellWord(w string) string {
	if w != "" && !strings.ContainsFunc(w, needsQuotes) {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

func needsQuotes(c rune) bool {
	return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_=./:,@%+", c))
}
