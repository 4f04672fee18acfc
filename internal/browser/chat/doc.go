// Package chat tests the page of the chat example.
package chat
