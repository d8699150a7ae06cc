//go:build !unix

package chromium

import "os/exec"

// Prepare fails on this system, so no browser is started.

func ownGroup(*exec.Cmd)      {}
func ask(cmd *exec.Cmd)       { _ = cmd.Process.Kill() }
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
