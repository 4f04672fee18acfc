package mqtt

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-webpubsub/webpubsub/internal/wire"
)

// UserProperty is an MQTT 5.0 user property. A packet may have several of the
// same name, and their order matters.
type UserProperty struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// UserProperties returns the user properties of a message that travels as an HTTP
// request or answer (mqtt-* headers), nil if there are none. HTTP keeps neither
// the case of names nor their order: names are in lower case and sorted, the
// values of one name are in order.
func UserProperties(header http.Header) []UserProperty {
	var out []UserProperty
	for key, values := range header {
		name, ok := strings.CutPrefix(key, wire.PrefixMQTT)
		if !ok || name == "" {
			continue
		}
		for _, v := range values {
			out = append(out, UserProperty{Name: strings.ToLower(name), Value: v})
		}
	}
	slices.SortStableFunc(out, func(a, b UserProperty) int { return strings.Compare(a.Name, b.Name) })
	return out
}
