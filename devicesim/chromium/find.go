package chromium

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// NotFoundError reports that no browser was found with which this package works.
type NotFoundError struct {
	Path   string // the value of CHROMIUM, or ""
	Reason string
}

func (e *NotFoundError) Error() string {
	if e.Path != "" {
		return "chromium: CHROMIUM=" + e.Path + " " + e.Reason + " (Debian's binary is " + debianBinary + ")"
	}
	return "chromium: no browser into which devices can be plugged: " + e.Reason +
		". Install Debian's package chromium, or set CHROMIUM to the binary of a Chromium that is not a snap"
}

// debianBinary is the binary that Debian's wrapper script /usr/bin/chromium starts.
const debianBinary = "/usr/lib/chromium/chromium"

// Find returns the browser's binary: $CHROMIUM, or Debian's, or one in PATH. It does
// not return a wrapper script, because the library must be preloaded into the browser
// itself. Errors are ErrUnsupported and *NotFoundError.
func Find() (string, error) {
	if runtime.GOOS != "linux" {
		return "", ErrUnsupported
	}
	if path := os.Getenv("CHROMIUM"); path != "" {
		if reason := unusable(path); reason != "" {
			return "", &NotFoundError{Path: path, Reason: reason}
		}
		return path, nil
	}
	candidates := []string{debianBinary}
	for _, name := range []string{"chromium", "chromium-browser"} {
		if path, err := exec.LookPath(name); err == nil {
			candidates = append(candidates, path)
		}
	}
	var reasons []string
	for _, path := range candidates {
		reason := unusable(path)
		if reason == "" {
			return path, nil
		}
		reasons = append(reasons, path+" "+reason)
	}
	return "", &NotFoundError{Reason: strings.Join(reasons, "; ")}
}

// unusable returns why a library cannot be preloaded into a program, or "" if it can.
func unusable(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "is not there"
		}
		return "cannot be used: " + err.Error()
	}
	// A program of a snap is a link to snap itself, which starts the browser confined. Ubuntu's package chromium-browser is a
	// script that starts it.
	if filepath.Base(target) == "snap" {
		return "is a snap, into which the library cannot be preloaded"
	}
	f, err := os.Open(target)
	if err != nil {
		return "cannot be used: " + err.Error()
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil || !bytes.Equal(magic, []byte("\x7fELF")) {
		if bytes.HasPrefix(magic, []byte("#!")) {
			return "is a script that starts a browser, and not the browser's binary"
		}
		return "is not a program"
	}
	if info, err := f.Stat(); err != nil || info.Mode()&0o111 == 0 {
		return "is not executable"
	}
	return ""
}
