package parsers_test

import (
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/go-webpubsub/webpubsub/internal/cli/azure"
)

// These structs have the arguments of the providers' documentation. gohcl rejects others.
type (
	file struct {
		Services  []data  `hcl:"data,block"`
		Resources []block `hcl:"resource,block"`
	}
	data struct {
		Type          string `hcl:",label"`
		Symbol        string `hcl:",label"`
		Name          string `hcl:"name"`
		ResourceGroup string `hcl:"resource_group_name"`
	}
	block struct {
		Type   string   `hcl:",label"`
		Symbol string   `hcl:",label"`
		Body   hcl.Body `hcl:",remain"`
	}
	azurermHub struct {
		Name          string           `hcl:"name"`
		ServiceID     string           `hcl:"web_pubsub_id"`
		Anonymous     bool             `hcl:"anonymous_connections_enabled"`
		EventHandlers []azurermHandler `hcl:"event_handler,block"`
	}
	azurermHandler struct {
		URLTemplate      string       `hcl:"url_template"`
		UserEventPattern string       `hcl:"user_event_pattern,optional"`
		SystemEvents     []string     `hcl:"system_events,optional"`
		Auth             *azurermAuth `hcl:"auth,block"`
	}
	azurermAuth struct {
		Identity string `hcl:"managed_identity_id"`
	}
	azapiHub struct {
		Type     string    `hcl:"type"`
		Name     string    `hcl:"name"`
		ParentID string    `hcl:"parent_id"`
		Body     cty.Value `hcl:"body"`
	}
)

const serviceID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.SignalRService/webPubSub/my-service"

// terraform is what the provider makes known to expressions.
var terraform = &hcl.EvalContext{Variables: map[string]cty.Value{
	"data": cty.ObjectVal(map[string]cty.Value{"azurerm_web_pubsub": cty.ObjectVal(map[string]cty.Value{
		"service": cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(serviceID)}),
	})}),
}}

func TestTerraform(t *testing.T) {
	t.Parallel()
	all := hubs()
	text := azure.Terraform(service, all)
	assert.Equal(t, string(hclwrite.Format([]byte(text))), text, "terraform fmt would change it")
	parsed, problems := hclsyntax.ParseConfig([]byte(text), "hubs.tf", hcl.InitialPos)
	require.False(t, problems.HasErrors(), "%v\n%s", problems, text)
	var f file
	problems = gohcl.DecodeBody(parsed.Body, terraform, &f)
	require.False(t, problems.HasErrors(), "%v", problems)
	assert.Equal(t, []data{{Type: "azurerm_web_pubsub", Symbol: "service", Name: service.Name, ResourceGroup: service.ResourceGroup}}, f.Services)
	require.Len(t, f.Resources, len(all))
	symbols := map[string]bool{}
	for i, h := range all {
		r := f.Resources[i]
		assert.False(t, symbols[r.Symbol], "%s is twice", r.Symbol)
		symbols[r.Symbol] = true
		assert.True(t, hclsyntax.ValidIdentifier(r.Symbol), r.Symbol)
		if h.Name == "chat" {
			assert.Equal(t, "azapi_resource", r.Type)
			assert.Equal(t, h, hubOfAzapi(t, r))
		} else {
			assert.Equal(t, "azurerm_web_pubsub_hub", r.Type)
			assert.Equal(t, h, hubOfAzurerm(t, r))
		}
	}
}

// TestTerraformStrings checks hostile texts in the other provider, which needs no azapi if
// the hub has no audience.
func TestTerraformStrings(t *testing.T) {
	t.Parallel()
	h := everyHostile(false)
	for i := range h.EventHandlers {
		h.EventHandlers[i].AuthResource = ""
	}
	text := azure.Terraform(service, []azure.Hub{h})
	assert.Equal(t, string(hclwrite.Format([]byte(text))), text)
	parsed, problems := hclsyntax.ParseConfig([]byte(text), "hubs.tf", hcl.InitialPos)
	require.False(t, problems.HasErrors(), "%v\n%s", problems, text)
	var f file
	problems = gohcl.DecodeBody(parsed.Body, terraform, &f)
	require.False(t, problems.HasErrors(), "%v", problems)
	assert.Equal(t, h, hubOfAzurerm(t, f.Resources[0]))
}

func hubOfAzurerm(t *testing.T, r block) azure.Hub {
	t.Helper()
	var in azurermHub
	problems := gohcl.DecodeBody(r.Body, terraform, &in)
	require.False(t, problems.HasErrors(), "%v", problems)
	assert.Equal(t, serviceID, in.ServiceID)
	h := azure.Hub{Name: in.Name, AllowAnonymous: in.Anonymous}
	for _, e := range in.EventHandlers {
		out := azure.EventHandler{URLTemplate: e.URLTemplate, UserEventPattern: e.UserEventPattern, SystemEvents: e.SystemEvents}
		if e.Auth != nil {
			out.AuthResource = e.Auth.Identity
		}
		h.EventHandlers = append(h.EventHandlers, out)
	}
	return h
}

func hubOfAzapi(t *testing.T, r block) azure.Hub {
	t.Helper()
	var in azapiHub
	problems := gohcl.DecodeBody(r.Body, terraform, &in)
	require.False(t, problems.HasErrors(), "%v", problems)
	assert.Equal(t, serviceID, in.ParentID)
	text, err := ctyjson.Marshal(in.Body, in.Body.Type())
	require.NoError(t, err)
	h := hubOfJSON(t, in.Name, text)
	version := "2024-03-01"
	if len(h.EventHandlers) > 0 && h.EventHandlers[0].GroupEvents != nil {
		version = "2025-08-01-preview"
	}
	assert.Equal(t, "Microsoft.SignalRService/webPubSub/hubs@"+version, in.Type)
	return h
}
