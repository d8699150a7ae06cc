//go:build linux

package tether

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestNewFolderSweeps: a start removes what no process holds, also if its helpers were killed while they removed it.
func TestNewFolderSweeps(t *testing.T) {
	parent, err := os.MkdirTemp("/tmp", "sweep-") // a short name
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(parent)) })
	t.Setenv("TMPDIR", parent)
	profile := filepath.Join(parent, "profile")
	require.NoError(t, os.MkdirAll(filepath.Join(profile, "Default"), 0o700))
	file, notAFile := filepath.Join(parent, "where.json"), filepath.Join(parent, "project")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.NoError(t, os.Mkdir(notAFile, 0o700))

	held, done, err := NewFolder()
	require.NoError(t, err)
	defer done()
	ended, end, err := NewFolder()
	require.NoError(t, err)
	for _, path := range []string{profile + "/", file, notAFile} {
		require.NoError(t, AlsoRemove(ended, path))
	}
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

	next, nextDone, err := NewFolder()
	require.NoError(t, err)
	defer nextDone()
	for _, gone := range []string{ended, profile, half, old} {
		require.NoDirExists(t, gone)
	}
	require.NoFileExists(t, file)
	for _, there := range []string{held, starting, other, next, notAFile} {
		require.DirExists(t, there)
	}
	require.LessOrEqual(t, len(next), maxFolder)
	require.Contains(t, filepath.Base(next), prefix)
}

// TestNewFolderIsUsable: where the environment names a folder that cannot have a library to preload, another one is taken.
func TestNewFolderIsUsable(t *testing.T) {
	parent, err := os.MkdirTemp("/tmp", "usable-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(parent)) })
	for name, usable := range map[string]bool{
		"plain": true, "ü文": true, "with space": false, "with:colon": false, "$ORIGIN": false, strings.Repeat("long", 20): false, "missing": false, "noexec": false,
	} {
		t.Run(name, func(t *testing.T) {
			named := filepath.Join(parent, name)
			if name != "missing" {
				require.NoError(t, os.Mkdir(named, 0o700))
			}
			if name == "noexec" {
				if err := unix.Mount("none", named, "tmpfs", unix.MS_NOEXEC, ""); err != nil {
					t.Skip("only root mounts")
				}
				t.Cleanup(func() { require.NoError(t, unix.Unmount(named, 0)) })
			}
			t.Setenv("TMPDIR", named)
			folder, done, err := NewFolder()
			require.NoError(t, err)
			defer os.RemoveAll(folder)
			defer done()
			if usable {
				require.Equal(t, named, filepath.Dir(folder))
			} else {
				require.NotEqual(t, named, filepath.Dir(folder))
			}
			require.LessOrEqual(t, len(folder), maxFolder)
			require.NotContains(t, folder, " ")
		})
	}
}
