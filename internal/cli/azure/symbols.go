package azure

import (
	"fmt"
	"strings"
)

// symbols are names of hubs as identifiers of Bicep and Terraform. Different hubs may have
// the same letters and digits.
type symbols map[string]bool

// add returns an identifier that was not returned before.
func (s symbols) add(hub string) string {
	base := "hub_" + strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' {
			return c
		}
		return '_'
	}, hub)
	symbol := base
	for n := 2; s[symbol]; n++ {
		symbol = fmt.Sprintf("%s_%d", base, n)
	}
	s[symbol] = true
	return symbol
}
