package chromium

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// NotFoundError reports that no browser was found with which this package works.
type NotFoundError struct {
	Path   string // the value of CHROMIUM, or ""
	Reason string
}

func (e *NotFoundError) Error() string {
	if e.Path != "" {
		return "chromium: CHROMIUM=" + e.Path + " " + e.Reason + "; name the binary of a Chromium, as Debian's " + debianBinary
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

// unusable returns why a library cannot be preloaded into a program, or "" if it can as far as its file says.
func unusable(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "is not there"
		}
		return "cannot be used: " + err.Error()
	}
	if reason := otherBrowser(path, target); reason != "" {
		return reason
	}
	f, err := os.Open(target)
	if err != nil {
		return "cannot be used: " + err.Error()
	}
	defer f.Close()
	head := make([]byte, 4096)
	n, _ := io.ReadFull(f, head) // a file that cannot be read is no program
	head = head[:n]
	if !bytes.HasPrefix(head, []byte("\x7fELF")) {
		if bytes.HasPrefix(head, []byte("#!")) {
			return "is a script that starts " + startedBy(head) + ", and not the browser's binary"
		}
		return "is not a program"
	}
	if info, err := f.Stat(); err != nil || info.Mode()&0o111 == 0 {
		return "is not executable"
	}
	return unlike(f)
}

// otherBrowser returns why a browser cannot be used, as far as its path says. target is the path without links.
func otherBrowser(path, target string) string {
	// A program of a snap is a link to snap itself, which starts the browser confined.
	if filepath.Base(target) == "snap" || strings.HasPrefix(target, "/snap/") {
		return "is a snap, into which the library cannot be preloaded"
	}
	if strings.Contains(target, "/flatpak/") || strings.HasPrefix(target, "/app/") {
		return "is a flatpak, into which the library cannot be preloaded"
	}
	for _, name := range []string{path, target} {
		if base := filepath.Base(name); strings.HasPrefix(base, "google-chrome") || strings.Contains(name, "/google/chrome") {
			return "is Google Chrome, which takes neither the library nor unpacked extensions"
		}
	}
	return ""
}

// startedBy says what a script starts, from its first lines.
func startedBy(script []byte) string {
	for _, kind := range []string{"snap", "flatpak"} {
		if bytes.Contains(script, []byte(kind)) {
			return "a " + kind
		}
	}
	return "a browser"
}

// machines are the ELF machines on which Go programs call themselves by these names.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// unlike returns why a program cannot be like Debian's Chromium, or "".
func unlike(program io.ReaderAt) string {
	f, err := elf.NewFile(program)
	if err != nil {
		return "is not a program of this machine: " + err.Error()
	}
	if machine, known := machines[runtime.GOARCH]; known && f.Machine != machine {
		return "is for another machine, " + strings.TrimPrefix(f.Machine.String(), "EM_") + " instead of " + strings.TrimPrefix(machine.String(), "EM_")
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		interpreter := make([]byte, min(p.Filesz, 256))
		if _, err := p.ReadAt(interpreter, 0); err == nil && bytes.Contains(interpreter, []byte("musl")) {
			return "is built for musl, and the library needs glibc, as Debian and Ubuntu have it"
		}
	}
	libraries, err := f.ImportedLibraries()
	if err != nil || !slices.Contains(libraries, "libudev.so.1") {
		return "does not link libudev, so that the library cannot answer it; Chrome-branded builds do not"
	}
	return ""
}
