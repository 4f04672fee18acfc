package dispatch

import "net/url"

// Resolve puts names into a URL template.
func Resolve(text, hubName, event string) (*url.URL, error) {
	t, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	return t.resolve(hubName, event)
}
