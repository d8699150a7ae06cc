// Package preload makes simulated devices visible to an unmodified Chromium on
// Linux, without a kernel, a driver or root: a small C library, preloaded into the
// browser, answers what its USB back end asks of libudev and usbfs, and speaks
// USB/IP to package usbip. The browser's own navigator.usb, its permissions and its
// device service stay what they are.
//
// The library is in src; [Build] compiles it with the machine's C compiler and
// [Env] gives the environment for the browser:
//
//	LD_PRELOAD=/path/usbip_preload-….so
//	USBIP_PRELOAD=127.0.0.1:3240/1-1,127.0.0.1:3240/1-2
//	USBIP_PRELOAD_DEBUG=1   (optional: what happens, on standard error)
//
// It must be set for the browser's binary itself, not for a wrapper script; the
// browser's child processes, which inherit it, take no part. A Chromium is needed
// that links libudev and uses usbfs itself, as Debian's does.
//
// # What is modelled
//
//   - Several devices. A device that another host holds, or that is unplugged, is
//     tried again after 10 ms and then up to every 100 ms, for as long as the browser
//     runs. A connection that ends is a cable that is pulled ("remove"), one that
//     succeeds again is a new device ("add").
//   - Claims as Linux keeps them: EBUSY for an interface that another handle has, for
//     the HID interface (the kernel's driver has it), and for SET_CONFIGURATION while
//     any interface has a driver, which with a HID interface is always.
//   - What the operating system says, switched at run time with usb.Port.SetAccess,
//     which the library asks the server (package usbip tells how) at every open and
//     claim: Denied is EACCES for the device node, as without a udev rule; Claimed is
//     EBUSY for the vendor interface, as when another program holds it. Chromium lists a
//     device that it may not open; the page's open() then fails with a SecurityError.
//   - Reset, which reaches the device and loses claims; stalls and CLEAR_HALT; URBs
//     discarded, killed with their interface or their handle, any number of them.
//   - Answers that are longer than what was asked for are cut and end with EOVERFLOW.
//     The browser's memory is written to only while it reaps or discards. Linux writes
//     when it reaps alone, into memory that Chromium may have freed after discarding.
//
// The library keeps no files: the nodes and sysfs files that the browser opens exist
// in its process alone.
package preload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed src
var sources embed.FS

// ErrNoCompiler reports that there is no C compiler. It is wrapped in a *BuildError.
var ErrNoCompiler = errors.New("no C compiler found: install gcc and libc6-dev, or set CC")

// BuildError says why the library could not be built.
type BuildError struct {
	Compiler string // as it was called
	Output   string // what it said
	Err      error
}

func (e *BuildError) Error() string {
	s := fmt.Sprintf("preload: %s: %v", e.Compiler, e.Err)
	if e.Output != "" {
		s += "\n" + e.Output
	}
	return s
}

func (e *BuildError) Unwrap() error { return e.Err }

var compilerFlags = []string{"-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", "-pthread"}

// Build compiles the library into dir, unless this very version is there already,
// and returns its path. An empty dir means the user's cache directory. The compiler
// is $CC or cc. Errors: *BuildError, and those of writing into dir.
func Build(ctx context.Context, dir string) (string, error) {
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			cache = os.TempDir()
		}
		dir = filepath.Join(cache, "imkeysim")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	compiler := strings.Fields(os.Getenv("CC"))
	if len(compiler) == 0 {
		compiler = []string{"cc"}
	}
	version, err := fingerprint(compiler)
	if err != nil {
		return "", err
	}
	library, err := filepath.Abs(filepath.Join(dir, "usbip_preload-"+version+".so"))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(library); err == nil {
		return library, nil
	}
	work, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := os.CopyFS(work, sources); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(work, "src", "*.c"))
	if err != nil {
		return "", err
	}
	built := filepath.Join(work, "usbip_preload.so")
	args := append(append(compiler[1:], compilerFlags...), "-o", built)
	args = append(append(args, files...), "-ldl")
	cmd := exec.CommandContext(ctx, compiler[0], args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
		case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
			err = ErrNoCompiler
		}
		return "", &BuildError{Compiler: strings.Join(compiler, " "), Output: string(bytes.TrimSpace(out)), Err: err}
	}
	return library, os.Rename(built, library) // whole or not at all, should two build at once
}

// fingerprint tells versions of the library apart, by what it is made of and how.
func fingerprint(compiler []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, compiler, compilerFlags)
	err := fs.WalkDir(sources, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := sources.ReadFile(path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(b), b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:8]), err
}

// Device is one device that the browser is to see.
type Device struct {
	Addr  string // host:port of the USB/IP server
	BusID string // "1-1": see usbip.BusID
}

// Env returns the variables that plug devices into a browser started with them.
func Env(library string, devices ...Device) []string {
	var list []string
	for _, d := range devices {
		list = append(list, d.Addr+"/"+d.BusID)
	}
	return []string{"LD_PRELOAD=" + library, "USBIP_PRELOAD=" + strings.Join(list, ",")}
}
