// Package preload plugs simulated devices into an unmodified Chromium on Linux,
// without a kernel module, a driver or root. A small C library is preloaded into the
// browser. It answers the browser's calls to libudev and usbfs, and talks USB/IP with
// package usbip. The browser's navigator.usb, its permissions and its device service
// are its own.
//
// The library is in src; [Build] compiles it with the machine's C compiler and
// [Env] gives the environment for the browser:
//
//	LD_PRELOAD=/path/usbip_preload-….so
//	USBIP_PRELOAD=127.0.0.1:3240/1-1,127.0.0.1:3240/1-2
//	USBIP_PRELOAD_DEBUG=1      (optional: log to standard error)
//	USBIP_PRELOAD_LIFELINE=9/42   (optional: see below)
//	USBIP_PRELOAD_PROBE=1      (optional: write a line and end at once, see [Probe])
//
// Set it for the browser's binary itself and not for a wrapper script. The browser's
// child processes inherit it but ignore it. The browser must be a Chromium that links
// libudev and uses usbfs itself, as Debian's does.
//
// # What the library models
//
//   - Several devices. If another host holds a device, or it is unplugged, the library
//     tries again after 10 ms, and later every 100 ms, as long as the browser runs. When
//     a connection ends, the device is unplugged ("remove"). When the next one succeeds,
//     a new device is plugged in ("add").
//   - Claims as on Linux. EBUSY is the answer for an interface that another handle has,
//     for the HID interface, which the kernel's driver has, and for SET_CONFIGURATION
//     while any interface has a driver, which is always so with a HID interface.
//   - The answers of the operating system, which usb.Port.SetAccess changes at run time.
//     The library asks the server for them at every open and claim (see package usbip).
//     With Denied the device node answers EACCES, as without a udev rule. With Claimed
//     the vendor interface answers EBUSY, as when another program holds it. Chromium
//     lists a device that it may not open; the page's open() fails with a SecurityError.
//   - A reset, which reaches the device and loses the claims; stalls and CLEAR_HALT; any
//     number of URBs, which can be discarded or end with their interface or handle.
//   - An answer that is longer than its buffer is cut and ends with EOVERFLOW. The
//     library writes to the browser's memory only while the browser reaps or discards.
//     Linux writes only while the browser reaps, into memory that Chromium may have
//     freed after discarding.
//
// The library makes no files: the nodes and sysfs files that the browser opens exist
// only in its process.
//
// # The lifeline
//
// A browser can end with its simulator, even one that is killed. USBIP_PRELOAD_LIFELINE names
// a descriptor, which is one end of a pair of sockets, and the browser's process. When
// no process holds the other end any more, the library sends the browser SIGTERM, and
// SIGKILL 3 s later. The browser's end, too, is closed when the browser's main process
// has ended, since no child inherits it.
//
// # The sources
//
// Each file of src uses only those above it in this list:
//
//	base      the lock, the C library's own functions, the log
//	wire      USB/IP on a socket
//	device    a device that is plugged in, and its pending transfers
//	handle    an open device node: claims, URBs, completion
//	objects   the library's own libudev objects
//	plug      a thread for each device: plugs it in, reads answers, unplugs it
//	config    the environment variable, and the start of the library
//	usbfs     open with its variants, close, ioctl and fopen as the browser calls them
//	udev      libudev as the browser calls it
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
	"slices"
	"strings"
)

//go:embed src
var sources embed.FS

// ErrNoCompiler means that there is no C compiler. A *BuildError wraps it.
var ErrNoCompiler = errors.New("no C compiler found: install gcc and libc6-dev, or set CC")

// BuildError is a library that could not be built.
type BuildError struct {
	Compiler string // the compiler's command
	Output   string // the compiler's output
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

// Build compiles the library into dir, unless the same version is there already, and
// returns its path. An empty dir means the user's cache directory. The compiler is
// $CC or cc. Errors are *BuildError and those of writing into dir.
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
	return library, Compile(ctx, compiler, library)
}

// Compile compiles the library to a file. The compiler is a command with its arguments, which may make code for another
// machine. Errors are those of [Build].
func Compile(ctx context.Context, compiler []string, to string) error {
	work, err := os.MkdirTemp(filepath.Dir(to), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.CopyFS(work, sources); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(work, "src", "*.c"))
	if err != nil {
		return err
	}
	for i := range files { // relative, so that the library is the same in every folder
		files[i] = filepath.Join("src", filepath.Base(files[i]))
	}
	const built = "usbip_preload.so"
	args := append(slices.Clone(compiler[1:]), compilerFlags...)
	args = append(append(append(args, "-o", built), files...), "-ldl")
	cmd := exec.CommandContext(ctx, compiler[0], args...)
	cmd.Dir = work
	if out, err := cmd.CombinedOutput(); err != nil {
		switch {
		case ctx.Err() != nil:
			err = ctx.Err()
		case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
			err = ErrNoCompiler
		}
		return &BuildError{Compiler: strings.Join(compiler, " "), Output: string(bytes.TrimSpace(out)), Err: err}
	}
	return os.Rename(filepath.Join(work, built), to) // two processes may build at once
}

// Name is the name of a library that was built ahead, beside the program that uses it.
const Name = "usbip_preload.so"

// Locate returns the library beside this program, as the npm package has it. Without one, it builds the library.
func Locate(ctx context.Context) (string, error) {
	if program, err := os.Executable(); err == nil {
		library := filepath.Join(filepath.Dir(program), Name)
		if _, err := os.Stat(library); err == nil {
			return library, nil
		}
	}
	return Build(ctx, "")
}

// fingerprint identifies a version of the library by its sources and the compiler's command.
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

// Device is a device to plug into the browser.
type Device struct {
	Addr  string // host:port of the USB/IP server
	BusID string // "1-1": see usbip.BusID
}

// lifelineName is the variable that names the lifeline.
const lifelineName = "USBIP_PRELOAD_LIFELINE"

// Lifeline returns the environment variable that makes a process end with whatever holds the other end of the socket fd.
func Lifeline(fd, process int) string { return fmt.Sprintf("%s=%d/%d", lifelineName, fd, process) }

// Env returns the environment variables that plug devices into a browser.
func Env(library string, devices ...Device) []string {
	var list []string
	for _, d := range devices {
		list = append(list, d.Addr+"/"+d.BusID)
	}
	return []string{"LD_PRELOAD=" + library, "USBIP_PRELOAD=" + strings.Join(list, ",")}
}
