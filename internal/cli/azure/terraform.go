package azure

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Terraform returns a Terraform file with the hubs of an existing service. It uses the
// provider azurerm, and azapi for hubs with settings that azurerm lacks: group presence,
// and tokens for an audience that is neither a GUID nor an identity.
func Terraform(s Service, hubs []Hub) string {
	var b strings.Builder
	if slices.ContainsFunc(hubs, func(h Hub) bool { return lackedByAzurerm(&h) }) {
		b.WriteString("# Add to required_providers: azapi = { source = \"Azure/azapi\", version = \"~> 2.0\" }\n\n")
	}
	b.WriteString("data \"azurerm_web_pubsub\" \"service\" {\n")
	writeAttributes(&b, "  ", object{{"name", s.Name}, {"resource_group_name", s.ResourceGroup}})
	b.WriteString("}\n")
	symbols := symbols{}
	for i := range hubs {
		b.WriteByte('\n')
		if h := &hubs[i]; lackedByAzurerm(h) {
			writeAzapi(&b, symbols.add(h.Name), h)
		} else {
			writeAzurerm(&b, symbols.add(h.Name), h)
		}
	}
	return b.String()
}

// identity matches what azurerm accepts as managed_identity_id: a GUID or the resource ID
// of a user-assigned identity.
var identity = regexp.MustCompile(`(?i)^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+)$`)

func lackedByAzurerm(h *Hub) bool {
	for _, e := range h.EventHandlers {
		if e.AuthResource != "" && !identity.MatchString(e.AuthResource) {
			return true
		}
	}
	return h.hasPresence()
}

func writeAzurerm(b *strings.Builder, symbol string, h *Hub) {
	fmt.Fprintf(b, "resource \"azurerm_web_pubsub_hub\" %q {\n", symbol)
	writeAttributes(b, "  ", object{
		{"name", h.Name}, {"web_pubsub_id", serviceID}, {"anonymous_connections_enabled", expression(fmt.Sprint(h.AllowAnonymous))},
	})
	for _, e := range h.EventHandlers {
		b.WriteString("\n  event_handler {\n")
		attributes := object{{"url_template", e.URLTemplate}}
		if e.UserEventPattern != "" {
			attributes = append(attributes, member{"user_event_pattern", e.UserEventPattern})
		}
		if len(e.SystemEvents) > 0 {
			attributes = append(attributes, member{"system_events", names(e.SystemEvents)})
		}
		writeAttributes(b, "    ", attributes)
		if e.AuthResource != "" {
			b.WriteString("\n    auth {\n")
			writeAttributes(b, "      ", object{{"managed_identity_id", e.AuthResource}})
			b.WriteString("    }\n")
		}
		b.WriteString("  }\n")
	}
	b.WriteString("}\n")
}

func writeAzapi(b *strings.Builder, symbol string, h *Hub) {
	fmt.Fprintf(b, "resource \"azapi_resource\" %q {\n", symbol)
	writeAttributes(b, "  ", object{
		{"type", hubType + "@" + h.apiVersion()}, {"name", h.Name}, {"parent_id", serviceID},
		{"body", object{{"properties", properties(h)}}},
	})
	b.WriteString("}\n")
}

// An expression is written as it is.
type expression string

const serviceID expression = "data.azurerm_web_pubsub.service.id"

// writeAttributes writes attributes in the format of terraform fmt, which aligns the
// values of adjacent attributes of one line.
func writeAttributes(b *strings.Builder, indent string, attributes object) {
	values := make([]string, len(attributes))
	for i, a := range attributes {
		values[i] = hclValue(a.value, indent)
	}
	for i, width := 0, 0; i < len(attributes); i++ {
		oneLine := !strings.Contains(values[i], "\n")
		if !oneLine {
			width = 0
		} else if width == 0 { // the first of some
			for j := i; j < len(attributes) && !strings.Contains(values[j], "\n"); j++ {
				width = max(width, len(attributes[j].name))
			}
		}
		fmt.Fprintf(b, "%s%-*s = %s\n", indent, width, attributes[i].name, values[i])
	}
}

// hclValue returns a value whose first line is indented already.
func hclValue(value any, indent string) string {
	var b strings.Builder
	switch v := value.(type) {
	case expression:
		return string(v)
	case string:
		return hclString(v)
	case list:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = hclValue(item, indent+"  ")
		}
		if !strings.Contains(strings.Join(items, ""), "\n") {
			return "[" + strings.Join(items, ", ") + "]"
		}
		b.WriteString("[\n")
		for _, item := range items {
			b.WriteString(indent + "  " + item + ",\n")
		}
		b.WriteString(indent + "]")
	case object:
		b.WriteString("{\n")
		writeAttributes(&b, indent+"  ", v)
		b.WriteString(indent + "}")
	}
	return b.String()
}

// hclString returns a string literal. ${ and %{ would begin templates.
func hclString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `${`, `$${`, `%{`, `%%{`).Replace(s) + `"`
}
