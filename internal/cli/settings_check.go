package cli

import (
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/go-webpubsub/webpubsub/emulator"
	"github.com/go-webpubsub/webpubsub/internal/cli/azure"
	"github.com/go-webpubsub/webpubsub/internal/excerpt"
	"github.com/go-webpubsub/webpubsub/internal/rule"
	"github.com/go-webpubsub/webpubsub/internal/upstream"
)

var (
	// keyVault matches a reference to a key vault in a URL template. The service puts the
	// secret in its place.
	keyVault = regexp.MustCompile(`\{@Microsoft\.KeyVault\(SecretUri=https://[A-Za-z0-9\-./:]+\)\}`)
	// Rules of Azure Resource Manager.
	serviceName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{1,61}[A-Za-z0-9]$`)
	resourceGroup = regexp.MustCompile(`^[\pL\pN_()\-.]{0,89}[\pL\pN_()\-]$`)
)

// check checks all values, most of them by the rules of the emulator. Positions in errors
// are those in data, if the hubs are from a file.
func (in *settingsFlags) check(hubs []azure.Hub, data []byte) error {
	if !serviceName.MatchString(in.service.Name) {
		return usage("--service %s: want 3 to 63 letters, digits and hyphens, first a letter", excerpt.Name(in.service.Name))
	}
	if !resourceGroup.MatchString(in.service.ResourceGroup) {
		return usage("--resource-group %s: want 1 to 90 letters, digits and characters of _()-. that do not end with a dot", excerpt.Name(in.service.ResourceGroup))
	}
	checked := make(map[string]emulator.Hub, len(hubs))
	for _, h := range hubs {
		var out emulator.Hub
		for i, e := range h.EventHandlers {
			for _, text := range append([]string{e.UserEventPattern}, e.GroupFilters...) {
				if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) {
					return usage("hub %q, event handler %d: %s has an unprintable character", h.Name, i, excerpt.Name(text))
				}
			}
			if len(e.GroupFilters) > 0 && len(e.GroupEvents) == 0 {
				return usage("hub %q, event handler %d: group filters without group presence events, want both or neither", h.Name, i)
			}
			var identity *emulator.ManagedIdentity
			if e.AuthResource != "" {
				identity = &emulator.ManagedIdentity{Resource: e.AuthResource}
			}
			out.EventHandlers = append(out.EventHandlers, emulator.EventHandler{
				URLTemplate: keyVault.ReplaceAllString(e.URLTemplate, "secret"), UserEventPattern: e.UserEventPattern,
				SystemEvents: e.SystemEvents, GroupEvents: e.GroupEvents, GroupFilters: e.GroupFilters,
				ManagedIdentity: identity,
			})
		}
		checked[h.Name] = out
	}
	if err := checkHubs(data, checked); err != nil {
		return &UsageError{err: err}
	}
	return nil
}

// noteUnusable prints notes about URLs that the service cannot use, or should not.
func noteUnusable(w io.Writer, hubs []azure.Hub) {
	for _, h := range hubs {
		for _, e := range h.EventHandlers {
			u, err := url.Parse(keyVault.ReplaceAllString(e.URLTemplate, "secret"))
			if err != nil { // the rules of the emulator are stricter
				continue
			}
			note := func(text string) {
				fmt.Fprintf(w, "note: hub %s, %s: %s\n", h.Name, upstream.WithoutSecrets(e.URLTemplate), text)
			}
			switch {
			case rule.IsLoopback(u.Hostname()):
				note("Azure cannot reach this host")
			case u.Scheme == "http":
				note("events are not encrypted, want https")
			}
			if u.RawQuery != "" && !keyVault.MatchString(e.URLTemplate) {
				note("if the query has a secret, put {@Microsoft.KeyVault(SecretUri=…)} in its place")
			}
		}
	}
}
