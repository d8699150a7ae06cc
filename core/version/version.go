// Package version holds the version of imkey-connect.
package version

//go:generate go run ./generate

// Version is the version of this source, as in Semantic Versioning 2.0.0 and without a leading "v". The npm package,
// imkey.js and the reports of the pages have copies, which go generate writes. imkeysim -version prints it. The newest
// release in CHANGELOG.md has this version.
const Version = "0.1.0"
