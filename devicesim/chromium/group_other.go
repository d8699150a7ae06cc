//go:build !unix

package chromium

import "os/exec"

// Prepare refuses to work here, so no browser is ever started.

func ownGroup(*exec.Cmd)      {}
func ask(cmd *exec.Cmd)       { _ = cmd.Process.Kill() }
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
