// Command stripped runs a WebAssembly program of Go as the build changes it: with few data segments, and without what only stack
// traces need. It is for go test -exec.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"imkey-connect/web/build"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: stripped program.wasm [arguments]")
		os.Exit(2)
	}
	err := run(os.Args[1], os.Args[2:])
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stripped:", err)
		os.Exit(1)
	}
}

func run(program string, arguments []string) error {
	linked, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	code, err := build.Strip(linked)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "imkey-stripped-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, filepath.Base(program))
	if err := os.WriteFile(file, code, 0o600); err != nil {
		return err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(string(root[:len(root)-1]), "lib", "wasm", "go_js_wasm_exec"), append([]string{file}, arguments...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
}
