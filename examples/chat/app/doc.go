// Package app is the chat: page, login and event handler. It is a package so that the
// module examples/chat/replicas can run it with stores that replicas share.
package app
