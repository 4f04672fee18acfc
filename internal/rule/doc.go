// Package rule holds the rules of Azure Web PubSub for names, each once, for the
// packages that speak to the service, are spoken to by it, or play it.
package rule
