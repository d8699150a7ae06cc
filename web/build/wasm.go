package build

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	wasmName   = "imkey.wasm"
	backupName = "imkey-backup.wasm" // what an export or import loads, and no first pairing
)

// modules are the Go commands that are compiled, by what becomes of them.
var modules = map[string]string{wasmName: "./wasm", backupName: "./wasm/backup"}

// smaller keeps functions from being copied into their callers. The code grows a little but repeats itself more, and
// brotli makes 8 % less of it (799 kB instead of 871 kB when this was measured). Elliptic curves are the exception, because
// they would take four times as long: gnark-crypto, and math/bits for the wide additions and multiplications that WASM has
// no instructions for.
var smaller = []string{"-gcflags=all=-l", "-gcflags=github.com/consensys/gnark-crypto/ecc/secp256k1/...=", "-gcflags=math/bits="}

// smallerCollector is the garbage collector as it was up to Go 1.25, about 9 kB less as it is sent. Go 1.26 still has it beside
// the new one, whose gain is for many cores.
const smallerCollector = "nogreenteagc"

// faster excepts scrypt as well, in the one module that has it: what it takes is a person's waiting.
var faster = []string{"-gcflags=golang.org/x/crypto/scrypt=", "-gcflags=encoding/binary=", "-gcflags=internal/byteorder="}

// addWASM compiles all modules into files.
func addWASM(ctx context.Context, module string, files tree) error {
	for name, source := range modules {
		code, err := compileWASM(ctx, module, source)
		if err != nil {
			return err
		}
		if err := files.add(name, code); err != nil {
			return err
		}
	}
	return nil
}

// compileWASM compiles one of the repository's commands for the browser. Neither the place nor the commit that it is built from is
// written into it, so that equal sources give equal bytes.
func compileWASM(ctx context.Context, module, source string) ([]byte, error) {
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
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out}, smaller...)
	if source == modules[backupName] {
		args = append(args, faster...)
	}
	if _, err := goTool(ctx, module, env, append(args, source)...); err != nil {
		return nil, err
	}
	linked, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return joinSegments(linked)
}

// Root finds the module's folder from anywhere inside the repository.
func Root(ctx context.Context) (string, error) {
	mod, err := goTool(ctx, "", os.Environ(), "env", "GOMOD")
	if err != nil {
		return "", err
	}
	return filepath.Dir(strings.TrimSpace(mod)), nil
}

// wasmExec reads Go's own JavaScript support from the toolchain that compiles the WASM: the two must be of one version.
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
