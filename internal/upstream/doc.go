// Package upstream is the service's side of a webhook, shared by the test kit and
// the emulator. It fills in URL templates, keeps the ids, state and cookies of a
// connection, delivers requests with the service's timeouts and retries, decides
// whether an answer is consent, and reads the answers to connect and user events.
package upstream
