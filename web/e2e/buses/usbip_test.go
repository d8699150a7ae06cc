package buses_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// usbip runs Debian's client against the simulator, and returns what it says and whether it succeeded.
func (r *rig) usbip(args ...string) (said string, ok bool) {
	r.t.Helper()
	out, err := harness.USBIPClient(r.s.Ctx, r.s.USBIP, args...)
	r.t.Logf("usbip %s\n%s", strings.Join(args, " "), out)
	return string(out), err == nil
}

// cable presses a button of the simulator's control API.
func (r *rig) cable(call string) {
	r.t.Helper()
	response, err := http.Post(r.s.URL+"/sim/v1/device/"+call, "application/json", strings.NewReader("{}"))
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	require.Equal(r.t, http.StatusOK, response.StatusCode)
}

// listed is what Debian's client shows of devices that nobody has yet.
func (r *rig) listed() {
	said, ok := r.usbip("list", "-r", "127.0.0.1")
	require.True(r.t, ok)
	for _, want := range []string{"1-1: ", "1-2: ", "(096e:0891)", "Vendor Specific Class", "Human Interface Device"} {
		require.Contains(r.t, said, want)
	}
}

// stock is what the kernel's own tools make of the simulator. That its client attaches devices is how every other check of
// this bus comes by them.
func (r *rig) stock() {
	port := r.s.Device.Simulated.Port()
	require.NoError(r.t, r.second.Plug())
	r.arrived(r.second.Port(), true)

	said, _ := r.usbip("list", "-r", "127.0.0.1")
	require.NotContains(r.t, said, "1-", "both are in use")
	said, ok := r.usbip("port")
	require.True(r.t, ok)
	require.Equal(r.t, 2, strings.Count(said, "Full Speed(12Mbps)"), "both are attached")
	for _, refused := range []string{"1-1", "1-9"} { // in use, unknown
		said, ok = r.usbip("attach", "-r", "127.0.0.1", "-b", refused)
		require.False(r.t, ok, "%s\n%s", refused, said)
	}
	require.NoError(r.t, r.second.Unplug())
	r.arrived(r.second.Port(), false)
	_, ok = r.usbip("attach", "-r", "127.0.0.1", "-b", "1-2")
	require.False(r.t, ok, "not plugged in")

	// What the kernel has read of it.
	dir := r.s.Sysfs(port)
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(r.t, err)
		return string(b)
	}
	d := port.Descriptors()
	require.Equal(r.t, append(bytes.Clone(d.Device), d.Configuration...), []byte(read("descriptors")))
	for name, want := range map[string]string{
		"speed": "12", "version": " 2.10", "manufacturer": "imKey", "product": "imKey (simulated)", "serial": "imKey01191200001",
		"bConfigurationValue": "1", "bNumInterfaces": " 2", "maxchild": "0",
	} {
		require.Equal(r.t, want+"\n", read(name), name)
	}
	driver, err := os.Readlink(filepath.Join(dir, filepath.Base(dir)+":1.1", "driver"))
	require.NoError(r.t, err)
	require.Equal(r.t, "usbhid", filepath.Base(driver), "the driver of the HID interface")
	_, err = os.Readlink(filepath.Join(dir, filepath.Base(dir)+":1.0", "driver"))
	require.ErrorIs(r.t, err, os.ErrNotExist, "no driver has the vendor interface")

	// Interrupt transfers: a read that waits in the kernel until the cable is pulled, and a write, which nothing takes.
	nodes, err := filepath.Glob(filepath.Join(dir, "*:1.1", "*", "hidraw", "hidraw*"))
	require.NoError(r.t, err)
	require.Len(r.t, nodes, 1)
	raw, err := os.OpenFile("/dev/"+filepath.Base(nodes[0]), os.O_RDWR, 0)
	require.NoError(r.t, err)
	defer raw.Close()
	waits := make(chan error, 1)
	go func() {
		_, err := raw.Read(make([]byte, usb.PacketSize))
		waits <- err
	}()
	_, err = raw.Write(make([]byte, 1+usb.PacketSize))
	require.Error(r.t, err, "the endpoint is halted: nothing is behind the HID interface")
	select {
	case err := <-waits:
		require.Fail(r.t, "the read ended before the cable was pulled", "%v", err)
	default:
	}

	// The cable, by the control API: the connection drops, and the next import is another device.
	r.cable("unplug")
	require.Error(r.t, <-waits)
	r.arrived(port, false)
	said, _ = r.usbip("port")
	require.NotContains(r.t, said, "Full Speed")
	r.cable("plug")
	r.arrived(port, true)
	said, _ = r.usbip("port")
	require.Equal(r.t, 1, strings.Count(said, "Full Speed(12Mbps)"))
}
