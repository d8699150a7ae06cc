package device

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// stateFile keeps bytes in a file. A power cut at any moment leaves either the old bytes or the new ones. The file holds
// secrets in plain text, so only its owner can read it (mode 0600).
type stateFile struct {
	path string
	// disk is the operating system's, except in tests, which stop it at every step.
	disk disk
}

// disk has the steps of a safe write.
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

// read returns the bytes, or nil if the file does not exist.
func (f *stateFile) read() ([]byte, error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// write replaces the bytes. When it returns without an error, they survive a power cut.
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
	// A file that a power cut left behind may have another owner or mode.
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
