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

// NotFoundError reports that there is no browser that devices can be plugged into.
type NotFoundError struct {
	Path   string // what CHROMIUM names; "" when it is not set
	Reason string
}

func (e *NotFoundError) Error() string {
	if e.Path != "" {
		return "chromium: CHROMIUM=" + e.Path + " " + e.Reason + " (Debian's binary is " + debianBinary + ")"
	}
	return "chromium: no browser that devices can be plugged into: " + e.Reason +
		". Install Debian's package chromium, or set CHROMIUM to the binary of a Chromium that is no snap"
}

// debianBinary is what Debian's wrapper script /usr/bin/chromium starts.
const debianBinary = "/usr/lib/chromium/chromium"

// Find returns the browser's binary: $CHROMIUM, or Debian's, or one in PATH. Wrapper
// scripts are no use: preloading must hit the browser itself. Errors: ErrUnsupported,
// *NotFoundError.
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

// unusable says why path cannot be started with a library preloaded, "" if it can.
func unusable(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "is not there"
		}
		return "cannot be used: " + err.Error()
	}
	// A program of a snap is a link to snap itself, which starts the browser in a confinement of its own; Ubuntu's
	// package chromium-browser is a script that does.
	if filepath.Base(target) == "snap" {
		return "is a snap, which keeps the library that plugs devices in out of the browser"
	}
	f, err := os.Open(target)
	if err != nil {
		return "cannot be used: " + err.Error()
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil || !bytes.Equal(magic, []byte("\x7fELF")) {
		if bytes.HasPrefix(magic, []byte("#!")) {
			return "is a script that starts a browser elsewhere, and not the browser's binary"
		}
		return "is not a program"
	}
	if info, err := f.Stat(); err != nil || info.Mode()&0o111 == 0 {
		return "is not executable"
	}
	return ""
}
