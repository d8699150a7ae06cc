package harness

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/usb"
)

// A Linux kernel as the bus: Debian's usbip client attaches the devices to vhci-hcd, udev gives the active user of the seat
// access to them, and Chromium runs as that user. This needs root, on a machine that a test may change: the guest of kernel/run.sh.

// user is the id of the active user of the guest's seat.
const user = 65534

const rulesFile = "/etc/udev/rules.d/70-imkey.rules"

// UdevRule returns the udev rule of docs/hardware.md.
func UdevRule(s *Sim) string {
	b, err := os.ReadFile(RepoPath("docs/hardware.md"))
	require.NoError(s.T, err)
	rule := regexp.MustCompile(`SUBSYSTEM=="usb".*uaccess"`).FindString(string(b))
	require.NotEmpty(s.T, rule, "the udev rule of docs/hardware.md")
	return rule
}

// SetUdevRule sets udev's rule for imKeys, from udev's next event on. "" removes the rule.
func (s *Sim) SetUdevRule(rule string) {
	s.T.Helper()
	if rule == "" {
		require.NoError(s.T, os.Remove(rulesFile))
	} else {
		require.NoError(s.T, os.WriteFile(rulesFile, []byte(rule+"\n"), 0o644))
	}
	s.run("udevadm", "control", "--reload")
}

// run runs a program, also while the test cleans up.
func (s *Sim) run(name string, args ...string) {
	s.T.Helper()
	ctx, stop := context.WithTimeout(context.WithoutCancel(s.Ctx), time.Minute)
	defer stop()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	require.NoError(s.T, err, "%s %s\n%s", name, strings.Join(args, " "), out)
}

// attach attaches the devices to this machine's kernel until the test ends, and again whenever they are plugged in.
func (s *Sim) attach() {
	if s.attached {
		return
	}
	s.attached = true
	s.SetUdevRule(UdevRule(s))
	plugs := s.replacement
	ports := []*usb.Port{s.foreignPort}
	if plugs == nil {
		plugs, ports = s.Plugs(s.Devices...), nil
		for _, d := range s.Devices {
			ports = append(ports, d.Simulated.Port())
		}
	}
	for i, port := range ports {
		ctx, stop := context.WithCancel(s.Ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.keepAttached(ctx, port, plugs[i])
		}()
		s.T.Cleanup(func() {
			stop()
			<-ended
			port.Unplug()
			s.WaitForKernel(port, false)
		})
		s.WaitForKernel(port, port.Plugged())
	}
}

// keepAttached attaches a device whenever it is plugged in and no host has it.
func (s *Sim) keepAttached(ctx context.Context, port *usb.Port, plug preload.Device) {
	changes, stop := port.Watch()
	defer stop()
	for {
		if port.Plugged() && port.HeldBy() == "" {
			out, err := USBIPClient(ctx, plug.Addr, "attach", "-r", "127.0.0.1", "-b", plug.BusID)
			if err != nil && ctx.Err() == nil && port.Plugged() {
				s.T.Errorf("usbip attach: %v\n%s", err, out)
				return
			}
		}
		select {
		case <-changes:
		case <-ctx.Done():
			return
		}
	}
}

// USBIPClient runs Debian's usbip client with a server at addr, and returns what it prints.
func USBIPClient(ctx context.Context, addr string, args ...string) ([]byte, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, "usbip", append([]string{"--tcp-port", port}, args...)...).CombinedOutput()
}

// WaitForKernel waits until the kernel has a device and udev has set its access rights, or until neither has the device.
func (s *Sim) WaitForKernel(port *usb.Port, there bool) {
	s.T.Helper()
	require.Eventually(s.T, func() bool { return (s.deviceNode(port) != "") == there }, time.Minute, 20*time.Millisecond,
		"device %s in the kernel: %t", serialOf(port), !there)
	s.run("udevadm", "settle")
}

// Sysfs returns the folder in which the kernel describes a device, or "" if the kernel does not have the device.
func (s *Sim) Sysfs(port *usb.Port) string {
	serials, err := filepath.Glob("/sys/bus/usb/devices/*/serial")
	require.NoError(s.T, err)
	for _, file := range serials {
		if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == serialOf(port) {
			return filepath.Dir(file)
		}
	}
	return ""
}

// deviceNode returns a device's file, or "" where the kernel does not have the device or udev has not made the file yet.
func (s *Sim) deviceNode(port *usb.Port) string {
	var numbers [2]int
	for i, name := range []string{"busnum", "devnum"} {
		b, _ := os.ReadFile(filepath.Join(s.Sysfs(port), name)) // it may be gone by now
		numbers[i], _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	path := fmt.Sprintf("/dev/bus/usb/%03d/%03d", numbers[0], numbers[1])
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// Claim claims a device's vendor interface as another program would, until release.
func (s *Sim) Claim(port *usb.Port) (release func()) {
	s.T.Helper()
	f, err := os.OpenFile(s.deviceNode(port), os.O_RDWR, 0)
	require.NoError(s.T, err)
	const claimInterface = 0x8004550F // USBDEVFS_CLAIMINTERFACE, linux/usbdevice_fs.h
	require.NoError(s.T, unix.IoctlSetPointerInt(int(f.Fd()), claimInterface, usb.VendorInterface))
	return func() { require.NoError(s.T, f.Close()) }
}

// asUser makes Chromium run as the user of the seat, who owns its profile, and without what costs an emulated processor most.
func (s *Sim) asUser(o *chromium.Options) {
	o.Args = append(o.Args, "--disable-extensions", "--disable-component-extensions-with-background-pages", "--disable-software-rasterizer")
	require.NoError(s.T, os.Chmod(filepath.Dir(o.Profile), 0o755)) // only root may read the folder of a test
	o.Command = func(cmd *exec.Cmd) {
		_ = filepath.WalkDir(o.Profile, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				err = os.Lchown(path, user, user)
			}
			return err
		})
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user, Gid: user}
	}
}
