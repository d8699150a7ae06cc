package chromium

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
)

// NotFoundError: there is no browser that devices can be plugged into.
type NotFoundError struct {
	Path   string // what CHROMIUM names; "" when it is not set
	Reason string
}

func (e *NotFoundError) Error() string {
	if e.Path != "" {
		return "chromium: CHROMIUM=" + e.Path + ": " + e.Reason
	}
	return "chromium: " + e.Reason + ": install Debian's chromium package, or set CHROMIUM to the browser's binary"
}

// debianBinary is what Debian's wrapper script /usr/bin/chromium starts.
const debianBinary = "/usr/lib/chromium/chromium"

// Find returns the browser's binary: $CHROMIUM, or Debian's, or one in PATH. Wrapper
// scripts are no use: preloading must hit the browser itself. Errors: *NotFoundError.
func Find() (string, error) {
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
	for _, path := range candidates {
		if unusable(path) == "" {
			return path, nil
		}
	}
	return "", &NotFoundError{Reason: "no browser binary at " + strings.Join(candidates, ", ")}
}

// unusable says why path cannot be started with a library preloaded, "" if it can.
func unusable(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil || !bytes.Equal(magic, []byte("\x7fELF")) {
		return "is not the browser's binary but a script or something else (on Debian the binary is " + debianBinary + ")"
	}
	if info, err := f.Stat(); err != nil || info.Mode()&0o111 == 0 {
		return "is not executable"
	}
	return ""
}
