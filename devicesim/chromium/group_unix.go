//go:build unix

package chromium

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the browser and its children into a process group, so that all of
// them can be ended by one number.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// ask asks the browser alone: it ends its children in order, and so writes what they hold into the profile.
func ask(cmd *exec.Cmd) { _ = syscall.Kill(cmd.Process.Pid, syscall.SIGTERM) }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
