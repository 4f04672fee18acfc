// Package browser tries the chat's page in a real browser, Chromium or Chrome,
// which must be installed:
//
//	make browser
//
// It is a module of its own, for the library that drives the browser.
package browser
