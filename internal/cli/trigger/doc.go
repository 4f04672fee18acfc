// Package trigger sends single events to an event handler as the service does, and
// reports what the service would do with the answers.
package trigger
