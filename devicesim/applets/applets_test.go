package applets

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const devicesim = "imkey-connect/devicesim"

// deps returns the packages of the simulator that a package imports, directly or not.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", pkg).Output()
	require.NoError(t, err)
	return slices.DeleteFunc(strings.Fields(string(out)), func(p string) bool {
		return p == pkg || !strings.HasPrefix(p, devicesim+"/")
	})
}

// TestArrows: an applet knows the interface and the simulator's cryptography, but neither the device nor another applet. The
// device knows no applet.
func TestArrows(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "./...").Output()
	require.NoError(t, err)
	all := strings.Fields(string(out))
	require.Len(t, all, 1+len(All()), "each applet is a package in a folder of its own")
	for _, pkg := range all {
		if pkg == devicesim+"/applets" {
			continue
		}
		for _, p := range deps(t, pkg) {
			require.NotEqual(t, devicesim+"/device", p, "%s imports the device", pkg)
			require.False(t, strings.HasPrefix(p, devicesim+"/applets"), "%s imports %s", pkg, p)
		}
	}
	for _, pkg := range []string{"/device", "/applet"} {
		for _, p := range deps(t, devicesim+pkg) {
			require.False(t, strings.HasPrefix(p, devicesim+"/applets"), "%s imports %s", pkg, p)
		}
	}
}
