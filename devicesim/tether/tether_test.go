//go:build linux

package tether

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNewFolderSweeps: a start removes what no process holds, also if its helpers were killed while they removed it.
func TestNewFolderSweeps(t *testing.T) {
	parent, err := os.MkdirTemp("/tmp", "sweep-") // a short name
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(parent)) })
	t.Setenv("TMPDIR", parent)
	profile := filepath.Join(parent, "profile")
	require.NoError(t, os.Mkdir(profile, 0o700))

	held, done, err := NewFolder(nil)
	require.NoError(t, err)
	defer done()
	ended, end, err := NewFolder([]string{profile})
	require.NoError(t, err)
	end()
	make := func(name string, age time.Duration) string {
		folder := filepath.Join(parent, name)
		require.NoError(t, os.Mkdir(folder, 0o700))
		require.NoError(t, os.Chtimes(folder, time.Time{}, time.Now().Add(-age)))
		return folder
	}
	half := make(prefix+"1", 0) // its lock was removed first
	old := make(startingPrefix+"2", time.Hour)
	starting := make(startingPrefix+"3", 0)
	other := make("imkey-test-4", time.Hour)

	next, nextDone, err := NewFolder(nil)
	require.NoError(t, err)
	defer nextDone()
	for _, gone := range []string{ended, profile, half, old} {
		require.NoDirExists(t, gone)
	}
	for _, there := range []string{held, starting, other, next} {
		require.DirExists(t, there)
	}
	require.LessOrEqual(t, len(next), maxFolder)
	require.Contains(t, filepath.Base(next), prefix)
}
