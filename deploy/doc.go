// Package deploy has the files that docs/deploying.md describes: for containers,
// Kubernetes and Azure. Its Go files are tests only.
package deploy
