// Package version holds the version of the module.
package version

// Version is the module's version, without the v of its tag. Between two releases
// it is the next version with the suffix -dev. See RELEASE.md.
const Version = "0.1.0-dev"
