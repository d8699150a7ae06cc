package e2e

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

// A Linux kernel as a bus: Debian's usbip client plugs the devices into vhci-hcd, udev gives them to the person who sits at
// the machine, and Chromium is that person's. It needs root and a machine to spare, such as the guest of kernel/run.sh.

// person is the user whom the guest's seat names as active.
const person = 65534

const rulesFile = "/etc/udev/rules.d/70-imkey.rules"

// udevRule is the rule that the README gives.
func udevRule(s *sim) string {
	b, err := os.ReadFile("../../README.md")
	require.NoError(s.t, err)
	rule := regexp.MustCompile(`SUBSYSTEM=="usb".*uaccess"`).FindString(string(b))
	require.NotEmpty(s.t, rule, "the README's udev rule")
	return rule
}

// setRule makes udev follow the rule from the next event on, or none.
func (s *sim) setRule(rule string) {
	s.t.Helper()
	if rule == "" {
		require.NoError(s.t, os.Remove(rulesFile))
	} else {
		require.NoError(s.t, os.WriteFile(rulesFile, []byte(rule+"\n"), 0o644))
	}
	s.command("udevadm", "control", "--reload")
}

func (s *sim) command(name string, args ...string) {
	s.t.Helper()
	ctx, stop := context.WithTimeout(context.WithoutCancel(s.ctx), time.Minute) // also while the test cleans up
	defer stop()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	require.NoError(s.t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
}

// attach plugs the devices into this machine, and again whenever they come back, until the test ends.
func (s *sim) attach() {
	if s.attached {
		return
	}
	s.attached = true
	s.setRule(udevRule(s))
	plugs := s.instead
	ports := []*usb.Port{s.foreign}
	if plugs == nil {
		plugs, ports = s.Plugs(s.Devices...), nil
		for _, d := range s.Devices {
			ports = append(ports, d.Simulated.Port())
		}
	}
	for i, port := range ports {
		ctx, stop := context.WithCancel(s.ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.keepAttached(ctx, port, plugs[i])
		}()
		s.t.Cleanup(func() {
			stop()
			<-ended
			port.Unplug()
			s.kernelHas(port, false)
		})
		s.kernelHas(port, port.Plugged())
	}
}

// keepAttached imports the device whenever it is plugged in and nobody has it.
func (s *sim) keepAttached(ctx context.Context, port *usb.Port, plug preload.Device) {
	changes, stop := port.Watch()
	defer stop()
	for {
		if port.Plugged() && port.HeldBy() == "" {
			out, err := usbipClient(ctx, plug.Addr, "attach", "-r", "127.0.0.1", "-b", plug.BusID)
			if err != nil && ctx.Err() == nil && port.Plugged() {
				s.t.Errorf("usbip attach: %v\n%s", err, out)
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

// usbipClient runs Debian's client on the server at addr.
func usbipClient(ctx context.Context, addr string, args ...string) ([]byte, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return exec.CommandContext(ctx, "usbip", append([]string{"--tcp-port", port}, args...)...).CombinedOutput()
}

// kernelHas waits until the kernel has the device and udev is done with it, or until both have lost it.
func (s *sim) kernelHas(port *usb.Port, there bool) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return (s.node(port) != "") == there }, time.Minute, 20*time.Millisecond,
		"device %s in the kernel: %t", serialOf(port), !there)
	s.command("udevadm", "settle")
}

// sysfs is what the kernel shows of the device, "" when it does not have it.
func (s *sim) sysfs(port *usb.Port) string {
	serials, err := filepath.Glob("/sys/bus/usb/devices/*/serial")
	require.NoError(s.t, err)
	for _, file := range serials {
		if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == serialOf(port) {
			return filepath.Dir(file)
		}
	}
	return ""
}

// node is the device's file, "" when the kernel does not have the device or udev has not got to it yet.
func (s *sim) node(port *usb.Port) string {
	var numbers [2]int
	for i, name := range []string{"busnum", "devnum"} {
		b, _ := os.ReadFile(filepath.Join(s.sysfs(port), name)) // it may be gone by now
		numbers[i], _ = strconv.Atoi(strings.TrimSpace(string(b)))
	}
	path := fmt.Sprintf("/dev/bus/usb/%03d/%03d", numbers[0], numbers[1])
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// claim holds the device's vendor interface as another program does, until release.
func (s *sim) claim(port *usb.Port) (release func()) {
	s.t.Helper()
	f, err := os.OpenFile(s.node(port), os.O_RDWR, 0)
	require.NoError(s.t, err)
	const claimInterface = 0x8004550F // USBDEVFS_CLAIMINTERFACE, linux/usbdevice_fs.h
	require.NoError(s.t, unix.IoctlSetPointerInt(int(f.Fd()), claimInterface, usb.VendorInterface))
	return func() { require.NoError(s.t, f.Close()) }
}

// asPerson lets Chromium run as the person at the machine, who owns its profile; and without what costs an emulated
// processor most.
func (s *sim) asPerson(o *chromium.Options) {
	o.Args = append(o.Args, "--disable-extensions", "--disable-component-extensions-with-background-pages", "--disable-software-rasterizer")
	require.NoError(s.t, os.Chmod(filepath.Dir(o.Profile), 0o755)) // the test's own folder is root's alone
	o.Command = func(cmd *exec.Cmd) {
		_ = filepath.WalkDir(o.Profile, func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				err = os.Lchown(path, person, person)
			}
			return err
		})
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: person, Gid: person}
	}
}
