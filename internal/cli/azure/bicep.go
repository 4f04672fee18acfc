package azure

import (
	"fmt"
	"strings"
)

// Bicep returns a Bicep file with the hubs of an existing service.
func Bicep(s Service, hubs []Hub) string {
	var b strings.Builder
	fmt.Fprintf(&b, "param serviceName string = %s\n\n", bicepString(s.Name))
	fmt.Fprintf(&b, "resource service '%s@%s' existing = {\n  name: serviceName\n}\n", serviceType, stableAPI)
	symbols := symbols{}
	for i := range hubs {
		h := &hubs[i]
		fmt.Fprintf(&b, "\nresource %s '%s@%s' = {\n", symbols.add(h.Name), hubType, h.apiVersion())
		fmt.Fprintf(&b, "  parent: service\n  name: %s\n  properties: ", bicepString(h.Name))
		writeBicep(&b, properties(h), "  ")
		b.WriteString("\n}\n")
	}
	return b.String()
}

// writeBicep writes a value whose first line is indented already.
func writeBicep(b *strings.Builder, value any, indent string) {
	switch v := value.(type) {
	case string:
		b.WriteString(bicepString(v))
	case list:
		b.WriteByte('[')
		for _, item := range v {
			b.WriteString("\n" + indent + "  ")
			writeBicep(b, item, indent+"  ")
		}
		if len(v) > 0 {
			b.WriteString("\n" + indent)
		}
		b.WriteByte(']')
	case object:
		b.WriteString("{\n")
		for _, m := range v {
			b.WriteString(indent + "  " + m.name + ": ")
			writeBicep(b, m.value, indent+"  ")
			b.WriteByte('\n')
		}
		b.WriteString(indent + "}")
	}
}

// bicepString returns a string literal. ${ would begin an expression.
func bicepString(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, `${`, `\${`).Replace(s) + "'"
}
