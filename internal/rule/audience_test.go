package rule_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-webpubsub/webpubsub/internal/rule"
)

func TestCheckAudience(t *testing.T) {
	t.Parallel()
	const remedy = "; want the client id or the application id URI of your own app registration"
	const graph = " is Microsoft Graph, whose tokens no handler can verify" + remedy
	for audience, want := range map[string]string{
		"api://chat": "",
		"api://7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46":  "",
		"7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46":        "",
		"https://chat.contoso.com/":                   "",
		"https://graph.microsoft.com.contoso.com":     "",
		"api://AzureADTokenExchange":                  "",
		"":                                            "is empty: the service then requests a token for Microsoft Graph, which no handler can verify" + remedy,
		"https://graph.microsoft.com":                 `"https://graph.microsoft.com"` + graph,
		"https://graph.microsoft.com/":                `"https://graph.microsoft.com/"` + graph,
		"https://Graph.Microsoft.com//":               `"https://Graph.Microsoft.com//"` + graph,
		"https://graph.microsoft.com/.default":        `"https://graph.microsoft.com/.default"` + graph,
		"https://graph.microsoft.us":                  `"https://graph.microsoft.us"` + graph,
		"https://microsoftgraph.chinacloudapi.cn/":    `"https://microsoftgraph.chinacloudapi.cn/"` + graph,
		"graph.microsoft.com":                         `"graph.microsoft.com"` + graph,
		"00000003-0000-0000-c000-000000000000":        `"00000003-0000-0000-c000-000000000000"` + graph,
		"00000003-0000-0000-C000-000000000000/":       `"00000003-0000-0000-C000-000000000000/"` + graph,
		"spn:00000003-0000-0000-c000-000000000000":    `"spn:00000003-0000-0000-c000-000000000000"` + graph,
		"api://00000003-0000-0000-c000-000000000000/": `"api://00000003-0000-0000-c000-000000000000/"` + graph,
		"api://chat ":                                 `"api://chat " has a space or another character that is not printable ASCII` + remedy,
		"api://ch\x00at":                              `"api://ch\x00at" has a space or another character that is not printable ASCII` + remedy,
		"api://" + strings.Repeat("x", 250):           `"api://` + strings.Repeat("x", 122) + `…" has 256 bytes, want at most 255` + remedy,
	} {
		err := rule.CheckAudience(audience)
		if want == "" {
			require.NoError(t, err, audience)
		} else {
			require.EqualError(t, err, want)
		}
	}
}

func TestIsGUID(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46":   true,
		"7F3B4A52-4C33-4BE0-9A37-0F5D2C7B8E46":   true,
		"":                                       false,
		"common":                                 false,
		"7f3b4a524c334be09a370f5d2c7b8e46":       false,
		"{7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e46}": false,
		"7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e4g":   false,
		"7f3b4a52-4c33-4be0-9a3700f5d2c7b8e46":   false,
		"7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e4-":   false,
		"7f3b4a52-4c33-4be0-9a37-0f5d2c7b8e4é":   false,
	} {
		assert.Equal(t, want, rule.IsGUID(s), s)
	}
}
