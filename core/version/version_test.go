//go:build !js

package version_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/version"
)

func TestVersionIsTheNewestOfTheChangelog(t *testing.T) {
	changelog, err := os.ReadFile("../../CHANGELOG.md")
	require.NoError(t, err)
	heading := regexp.MustCompile(`(?m)^## \[?(\d[^\s\]]*)\]? - \d{4}-\d{2}-\d{2}$`).FindSubmatch(changelog)
	require.NotNil(t, heading, "a heading with a version and a date")
	require.Equal(t, version.Version, string(heading[1]))
}
