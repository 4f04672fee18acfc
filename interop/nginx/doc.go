// Package nginx tests the command "webpubsub check" with nginx in front of a handler,
// configured as in testdata: well, and with the mistakes that people make. It has tests
// only, and is a module of its own since it needs nginx; make nginx runs it.
package nginx
