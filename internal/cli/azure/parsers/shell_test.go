package parsers_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/go-webpubsub/webpubsub/internal/cli/azure"
)

// commands parses a script of simple commands and returns the words of each, as a shell
// passes them on. It fails if the script has more than quoting.
func commands(t *testing.T, script string) [][]string {
	t.Helper()
	file, err := syntax.NewParser(syntax.Variant(syntax.LangPOSIX)).Parse(strings.NewReader(script), "")
	require.NoError(t, err, script)
	var all [][]string
	for _, statement := range file.Stmts {
		assert.Empty(t, statement.Redirs)
		assert.False(t, statement.Background || statement.Negated)
		call, ok := statement.Cmd.(*syntax.CallExpr)
		require.True(t, ok, "%T", statement.Cmd)
		require.Empty(t, call.Assigns)
		for _, word := range call.Args {
			for _, part := range word.Parts {
				switch part.(type) {
				case *syntax.Lit, *syntax.SglQuoted:
				default:
					assert.Fail(t, "more than quoting", "%T", part)
				}
			}
		}
		fields, err := expand.Fields(&expand.Config{}, call.Args...)
		require.NoError(t, err)
		all = append(all, fields)
	}
	return all
}

func TestAzureCLI(t *testing.T) {
	t.Parallel()
	all := hubs()
	got := commands(t, azure.CLI(service, all))
	require.Len(t, got, len(all))
	for i, h := range all {
		words := got[i]
		require.Equal(t, "az", words[0])
		if words[1] == "rest" {
			assertRest(t, h, words)
			continue
		}
		assert.Equal(t, []string{"az", "webpubsub", "hub", "create", "--name", service.Name, "--resource-group", service.ResourceGroup, "--hub-name", h.Name, "--allow-anonymous"}, words[:11])
		assert.Equal(t, h, hubOfWords(t, h.Name, words[11:]))
	}
}

// hubOfWords reads words as the extension webpubsub does: --event-handler begins one, and
// system-event can be repeated.
func hubOfWords(t *testing.T, name string, words []string) azure.Hub {
	t.Helper()
	h := azure.Hub{Name: name, AllowAnonymous: words[0] == "true"}
	for _, word := range words[1:] {
		if word == "--event-handler" {
			h.EventHandlers = append(h.EventHandlers, azure.EventHandler{})
			continue
		}
		key, value, ok := strings.Cut(word, "=")
		require.True(t, ok, word)
		e := &h.EventHandlers[len(h.EventHandlers)-1]
		switch key {
		case "url-template":
			e.URLTemplate = value
		case "user-event-pattern":
			e.UserEventPattern = value
		case "system-event":
			e.SystemEvents = append(e.SystemEvents, value)
		case "auth-type":
			assert.Equal(t, "ManagedIdentity", value)
		case "auth-resource":
			e.AuthResource = value
		default:
			assert.Fail(t, "unknown key", key)
		}
	}
	return h
}

func assertRest(t *testing.T, h azure.Hub, words []string) {
	t.Helper()
	assert.Equal(t, []string{"az", "rest", "--method", "put", "--url"}, words[:5])
	assert.Equal(t, "https://management.azure.com/subscriptions/{subscriptionId}/resourceGroups/"+url.PathEscape(service.ResourceGroup)+
		"/providers/Microsoft.SignalRService/webPubSub/my-service/hubs/"+url.PathEscape(h.Name)+"?api-version=2025-08-01-preview", words[5])
	assert.Equal(t, "--body", words[6])
	require.Len(t, words, 8)
	assert.Equal(t, h, hubOfJSON(t, h.Name, []byte(words[7])))
}

// resource is the hub of Azure's REST API.
type resource struct {
	Properties struct {
		AnonymousConnectPolicy string `json:"anonymousConnectPolicy"`
		EventHandlers          []struct {
			URLTemplate         string   `json:"urlTemplate"`
			UserEventPattern    string   `json:"userEventPattern"`
			SystemEvents        []string `json:"systemEvents"`
			GroupPresenceEvents struct {
				EventNames   []string `json:"eventNames"`
				GroupFilters []string `json:"groupFilters"`
			} `json:"groupPresenceEvents"`
			Auth struct {
				Type            string `json:"type"`
				ManagedIdentity struct {
					Resource string `json:"resource"`
				} `json:"managedIdentity"`
			} `json:"auth"`
		} `json:"eventHandlers"`
	} `json:"properties"`
}

func hubOfJSON(t *testing.T, name string, text []byte) azure.Hub {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	var r resource
	require.NoError(t, d.Decode(&r))
	h := azure.Hub{Name: name, AllowAnonymous: r.Properties.AnonymousConnectPolicy == "allow"}
	if !h.AllowAnonymous {
		assert.Equal(t, "deny", r.Properties.AnonymousConnectPolicy)
	}
	for _, e := range r.Properties.EventHandlers {
		h.EventHandlers = append(h.EventHandlers, azure.EventHandler{
			URLTemplate: e.URLTemplate, UserEventPattern: e.UserEventPattern, SystemEvents: e.SystemEvents,
			GroupEvents: e.GroupPresenceEvents.EventNames, GroupFilters: e.GroupPresenceEvents.GroupFilters,
			AuthResource: e.Auth.ManagedIdentity.Resource,
		})
		if e.Auth.ManagedIdentity.Resource != "" {
			assert.Equal(t, "ManagedIdentity", e.Auth.Type)
		}
	}
	return h
}
