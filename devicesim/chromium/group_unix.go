//go:build unix

package chromium

import (
	"os/exec"
	"syscall"
)

// ownGroup puts the browser and its children into a process group, so that one
// signal ends all of them.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// ask asks only the browser to end. It ends its children in order and writes their data into the profile.
func ask(cmd *exec.Cmd) { _ = syscall.Kill(cmd.Process.Pid, syscall.SIGTERM) }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
