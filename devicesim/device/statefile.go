package device

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// stateFile keeps bytes in one file such that a power cut at any moment leaves the old or the new ones, whole. It holds
// secrets in plain text and is its owner's alone (mode 0600).
type stateFile struct {
	path string
	// disk is the operating system but in tests, which stop it at every step.
	disk disk
}

// disk is what writing safely takes, step by step.
type disk interface {
	create(path string) (file, error)
	rename(from, to string) error
	syncDir(dir string) error
}

type file interface {
	Write([]byte) (int, error)
	Sync() error
	Close() error
}

func newStateFile(path string) *stateFile { return &stateFile{path: path, disk: osDisk{}} }

// read returns nil for a file that does not exist.
func (f *stateFile) read() ([]byte, error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// write replaces the file. When it returns without an error the new bytes survive a power cut.
func (f *stateFile) write(b []byte) error {
	next := f.path + ".new"
	w, err := f.disk.create(next)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	if err == nil {
		err = w.Sync()
	}
	if e := w.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = f.disk.rename(next, f.path)
	}
	if err != nil {
		return err
	}
	return f.disk.syncDir(filepath.Dir(f.path))
}

type osDisk struct{}

func (osDisk) create(path string) (file, error) {
	// What a power cut left there may have been made by somebody else, with another mode.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if e := d.Close(); err == nil {
		err = e
	}
	return err
}
