// Package browser tests the chat's page in Chromium or Chrome, which must be
// installed:
//
//	make browser
//
// It is a module of its own because it needs a library that drives the browser.
package browser
