// Package archtest checks the repository: which package imports which, the exported
// API, the documents and the sizes of files. It has tests only.
package archtest
