package main

// WithDefaultCredential is there for the test: no test signs in to Azure.
var WithDefaultCredential = withDefaultCredential
