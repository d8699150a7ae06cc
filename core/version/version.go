// Package version holds the version of imkey-connect.
package version

// Version is the version of this source, as in Semantic Versioning 2.0.0 and without a leading "v". The npm package,
// imkey.js, imkey.d.ts and imkeysim -version take theirs from it. Its section in CHANGELOG.md comes first among the
// released ones.
const Version = "0.1.0"
