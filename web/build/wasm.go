package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	wasmName   = "imkey.wasm"
	coinsName  = "imkey-coins.wasm"  // imkey.wasm with all coins, loaded by the first call for one of the others than Ethereum
	backupName = "imkey-backup.wasm" // loaded by an export or import, but not by a first pairing
)

// wasmModule is a Go command that is compiled with these build tags.
type wasmModule struct{ source, tags string }

// modules are the Go commands that are compiled, by the names of their output.
var modules = map[string]wasmModule{
	wasmName:   {"./wasm", "nocoins"},
	coinsName:  {"./wasm", ""},
	backupName: {"./wasm/backup", ""},
}

// smaller turns inlining off. The code grows a little but repeats itself more, so that brotli makes it 8 % smaller (799 kB
// instead of 871 kB when this was measured). Code for elliptic curves is excepted, because it would take four times as long:
// gnark-crypto, and math/bits for the wide additions and multiplications that WASM has no instructions for.
var smaller = []string{"-gcflags=all=-l", "-gcflags=github.com/consensys/gnark-crypto/ecc/secp256k1/...=", "-gcflags=math/bits="}

// smallerCollector selects the garbage collector of Go 1.25, which is about 9 kB smaller after compression. Go 1.26 still has
// it. The new collector is faster only on many cores.
const smallerCollector = "nogreenteagc"

// faster excepts scrypt as well, in the one module that has it, because the user waits for it.
var faster = []string{"-gcflags=golang.org/x/crypto/scrypt=", "-gcflags=encoding/binary=", "-gcflags=internal/byteorder="}

// addWASM compiles all modules into files.
func addWASM(ctx context.Context, o Options, module string, files tree) error {
	for name, m := range modules {
		code, err := compileWASM(ctx, o, module, m)
		if err != nil {
			return err
		}
		if err := files.add(name, code); err != nil {
			return err
		}
	}
	return nil
}

// compileWASM compiles a command of the repository for the browser. The output contains neither the path nor the commit of the
// sources, so that the same sources give the same bytes.
func compileWASM(ctx context.Context, o Options, module string, m wasmModule) ([]byte, error) {
	linked, err := linkWASM(ctx, o, module, m)
	if err != nil || o.Debug {
		return linked, err
	}
	stripped, err := Strip(linked)
	if errors.Is(err, errTables) {
		fmt.Fprintf(os.Stderr, "%v: %s keeps what only stack traces need, and is about a tenth larger\n", err, m.source)
		return joinSegments(linked, func([]section, []segment) []byte { return nil })
	}
	return stripped, err
}

// linkWASM compiles a command and returns the module as Go's linker writes it.
func linkWASM(ctx context.Context, o Options, module string, m wasmModule) ([]byte, error) {
	dir, err := os.MkdirTemp("", "imkey-wasm-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, wasmName)
	env := append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if strings.HasPrefix(runtime.Version(), "go1.26") {
		env = append(env, "GOEXPERIMENT="+smallerCollector)
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags=" + m.tags, "-o", out}
	if !o.Debug {
		args = append(append(args, "-ldflags=-s -w"), smaller...)
	}
	if m == modules[backupName] && !o.Debug {
		args = append(args, faster...)
	}
	if _, err := goTool(ctx, module, env, append(args, m.source)...); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// Strip joins the data segments of a module that Go's linker wrote, cuts functions that do not run, clears what only stack traces need, and
// packs the table of functions.
// It returns an error if the module, or this table, has another form than the Go of this build gives it.
func Strip(linked []byte) ([]byte, error) {
	var unknown error
	stripped, err := joinSegments(linked, func(sections []section, segments []segment) []byte {
		var cut map[int]bool
		if cut, unknown = cutFrom(sections, segments); unknown != nil {
			return nil
		}
		if unknown = stripTables(segments, cut); unknown != nil {
			return nil
		}
		var p packing
		if p, unknown = packTables(segments); unknown != nil {
			return nil
		}
		return p.unpackTables()
	})
	if err = errors.Join(err, unknown); err != nil {
		return nil, err
	}
	return stripped, nil
}

// Root returns the root of the repository that contains the working directory.
func Root(ctx context.Context) (string, error) {
	mod, err := goTool(ctx, "", os.Environ(), "env", "GOMOD")
	if err != nil {
		return "", err
	}
	return filepath.Dir(strings.TrimSpace(mod)), nil
}

// wasmExec returns Go's JavaScript support from the toolchain that compiles the WASM. Both must have the same version.
func wasmExec(ctx context.Context, module string) (string, error) {
	root, err := goTool(ctx, module, os.Environ(), "env", "GOROOT")
	if err != nil {
		return "", err
	}
	js, err := os.ReadFile(filepath.Join(strings.TrimSpace(root), "lib", "wasm", "wasm_exec.js"))
	return string(js), err
}

func goTool(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = dir, env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}
