package preload

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// probeAnswer is what the library writes in a probe (src/config.h).
const probeAnswer = "usbip_preload is loaded"

// RefusedError is a program into which the library cannot be loaded.
type RefusedError struct {
	Program, Library string
	Output           string // what the dynamic linker or the program wrote, in one line
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("preload: %s does not load the library %s", e.Program, e.Library)
	if e.Output != "" {
		text += " (" + e.Output + ")"
	}
	return text
}

// Probe starts a program with the library, which ends the process before the program itself runs, and returns a *RefusedError if
// it did not. A program with more rights than its user, another kind of machine or C library, a security module, and a file
// system without programs refuse the library. args are for a program that runs nevertheless: it must end by itself.
func Probe(ctx context.Context, library, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+library, "USBIP_PRELOAD_PROBE=1")
	out, err := cmd.CombinedOutput()
	if err == nil && bytes.HasPrefix(out, []byte(probeAnswer+"\n")) {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	refused := &RefusedError{Program: program, Library: library}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	refused.Output = line
	if line == "" && err != nil {
		refused.Output = err.Error()
	}
	return refused
}
