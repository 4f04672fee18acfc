// Package webpubsub receives the webhooks of Azure Web PubSub.
package webpubsub
