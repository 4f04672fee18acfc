// Package identity plays Microsoft Entra ID for one managed identity: that of the
// service which the test kit and the emulator play. An [Issuer] makes the tokens that
// the service sends to event handlers, and serves the documents that verifiers fetch.
//
// It uses the standard library alone, so that package entra, which uses a library, is
// tested with an encoder of another origin.
package identity
