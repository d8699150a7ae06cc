//go:build linux

// Package tether lets a process become a browser, with helpers that end with it and clean up after it, in whatever order the
// processes are killed.
//
// There are four processes and one socket pair, the lifeline:
//
//	tool      the program that starts the browser: a test runner, chromedriver, a shell
//	browser   the process that the tool started. It starts the keeper, and becomes the browser by exec, so that its id, its
//	          descriptors, its signals and its exit code are the browser's. It holds one end of the lifeline
//	keeper    serves the simulator. It holds the other end
//	guard     does nothing while the keeper lives. It holds the other end, too
//
// The browser ends when the keeper and the guard have ended (package preload watches the lifeline), when the guard sees the keeper
// end, and when the tool has ended. When the browser has ended, its end of the lifeline is closed: the keeper and the guard kill
// what is left of it, remove its folder and end. Keeper and guard have a session of their own, so that neither a signal to the
// tool's group nor the end of its terminal ends them. A folder that is left because all were killed at once is removed by the
// next start.
package tether

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Leash is what the keeper and the guard know about the browser.
type Leash struct {
	Folder  string `json:"folder"`  // the browser's own folder, from NewFolder; removed at the end with what AlsoRemove named
	Program string `json:"program"` // the browser's binary
	Since   uint64 `json:"since"`   // when the keeper started, see startOf; the browser's other processes are younger
}

// Names of files in the folder.
const (
	lockName   = "lock"   // held by the processes of this package
	removeName = "remove" // the lines are what AlsoRemove named
)

// Names of folders. One gets its second name when it is locked, so that a folder with that name and without a lock was left.
const (
	startingPrefix = "imkeysim-starting-"
	prefix         = "imkeysim-browser-"
)

// maxFolder is the length of a path in which Chromium's socket org.chromium.Chromium.XXXXXX/SingletonSocket still has a valid
// address (108 bytes, with the final zero).
const maxFolder = 108 - 1 - len("/org.chromium.Chromium.XXXXXX/SingletonSocket")

// parentFolder returns the first folder for temporary files that can have a browser's own: one with a short name without characters that mean
// something in LD_PRELOAD, from which the system lets programs load a library. If there is none, it returns that of the environment.
func parentFolder() string {
	own := os.TempDir()
	for _, parent := range []string{own, "/tmp", "/var/tmp"} {
		short := len(parent)+1+len(prefix)+len("1234567890") <= maxFolder
		if short && !strings.ContainsAny(parent, " :$") && runsPrograms(parent) {
			return parent
		}
	}
	return own
}

// NewFolder makes a folder for a browser's own files, with a library that it loads. It is in the folder for temporary files, or in another
// one where that has an unsuitable name or runs no programs. It removes the folders of browsers that ended without their helpers. The folder
// is in use until the function that it returns is called.
func NewFolder() (folder string, done func(), err error) {
	parent := parentFolder()
	sweep(parent)
	starting, err := os.MkdirTemp(parent, startingPrefix)
	if err != nil {
		return "", nil, err
	}
	folder = filepath.Join(parent, prefix+strings.TrimPrefix(filepath.Base(starting), startingPrefix))
	done, err = hold(starting)
	if err == nil {
		err = os.Rename(starting, folder)
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(starting))
	}
	return folder, done, nil
}

// AlsoRemove names what is removed at the end with a folder of NewFolder: a file, or a folder with a slash behind its name. It is called
// before the file is written, and not earlier, so that a start that fails removes nothing of somebody else.
func AlsoRemove(folder, path string) error {
	f, err := os.OpenFile(filepath.Join(folder, removeName), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(path + "\n")
	return errors.Join(err, f.Close())
}

// sweep removes the folders that no process holds, and what they name.
func sweep(parent string) {
	started, _ := filepath.Glob(filepath.Join(parent, prefix+"*")) // fails only for a bad pattern
	starting, _ := filepath.Glob(filepath.Join(parent, startingPrefix+"*"))
	for _, folder := range append(started, starting...) {
		info, err := os.Lstat(folder)
		if err != nil || !info.IsDir() || !mine(info) {
			continue
		}
		if strings.HasPrefix(filepath.Base(folder), startingPrefix) && time.Since(info.ModTime()) < time.Minute {
			continue // it is new, and about to be locked
		}
		if held(folder) {
			continue
		}
		_ = removeAll(folder) // what cannot be removed now is removed at the next start
	}
}

// removeAll removes what AlsoRemove named, and the folder last.
func removeAll(folder string) error {
	text, _ := os.ReadFile(filepath.Join(folder, removeName)) // without the file, the folder alone is removed
	var errs []error
	for path := range strings.Lines(string(text)) {
		if path, whole := strings.CutSuffix(path, "\n"); whole {
			errs = append(errs, remove(path))
		}
	}
	return errors.Join(append(errs, os.RemoveAll(folder))...)
}

// remove removes a file, or a folder that has a slash behind its name with all that is in it. A folder without it stays, since it is not
// what the caller took it for.
func remove(path string) error {
	if folder, ok := strings.CutSuffix(path, "/"); ok {
		return os.RemoveAll(folder)
	}
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s is a folder", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
