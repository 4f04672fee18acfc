package filter_test

import (
	"fmt"

	"github.com/go-webpubsub/webpubsub/service/filter"
)

// Everyone of a tenant but one user. Names are quoted, so a user cannot change the
// filter by their name.
func ExampleUserID() {
	fmt.Println(filter.And(filter.UserID().HasPrefix("acme:"), filter.UserID().Ne("acme:o'brien")))
	// Output: startswith(userId,'acme:') and userId ne 'acme:o''brien'
}

// Clients that are in one group and not in another.
func ExampleInGroup() {
	fmt.Println(filter.And(filter.InGroup("lobby"), filter.Not(filter.InGroup("muted"))))
	// Output: 'lobby' in groups and (not ('muted' in groups))
}

// Clients without a user.
func ExampleText_IsNull() {
	fmt.Println(filter.UserID().IsNull())
	// Output: userId eq null
}

// A filter that is written by hand. Quote the texts of others.
func ExampleRaw() {
	fmt.Println(filter.Raw("userId eq " + filter.Quote("o'brien")))
	// Output: userId eq 'o''brien'
}
