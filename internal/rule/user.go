package rule

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckUser returns an error unless a user id, which may be empty, can be the
// header ce-userId of events: UTF-8 without control characters. The service
// documents no limit for its length. The error does not show the id, which is
// personal data.
//
// Source: Emulator, CustomerOutboundConfiguration: ce-userId is raw UTF-8.
func CheckUser(id string) error {
	if !utf8.ValidString(id) || strings.ContainsFunc(id, unicode.IsControl) {
		return errors.New("want UTF-8 without control characters, which the header ce-userId cannot have")
	}
	return nil
}
