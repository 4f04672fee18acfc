// Package rig drives pages in Chromium or Chrome, which must be installed:
//
//	make browser
//
// It is in a module of its own because it needs a library that drives the browser.
// The packages beside it are tests of one page each.
package rig
