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

// usbip runs Debian's client with the simulator as its server. It returns what the client prints and whether it succeeded.
func (r *rig) usbip(args ...string) (said string, ok bool) {
	r.t.Helper()
	out, err := harness.USBIPClient(r.s.Ctx, r.s.USBIP, args...)
	r.t.Logf("usbip %s\n%s", strings.Join(args, " "), out)
	return string(out), err == nil
}

// cable plugs or unplugs the first device by the control API.
func (r *rig) cable(call string) {
	r.t.Helper()
	response, err := http.Post(r.s.URL+"/sim/v1/device/"+call, "application/json", strings.NewReader("{}"))
	require.NoError(r.t, err)
	require.NoError(r.t, response.Body.Close())
	require.Equal(r.t, http.StatusOK, response.StatusCode)
}

// checkList checks what Debian's client prints of devices that no host has.
func (r *rig) checkList() {
	said, ok := r.usbip("list", "-r", "127.0.0.1")
	require.True(r.t, ok)
	for _, want := range []string{"1-1: ", "1-2: ", "(096e:0891)", "Vendor Specific Class", "Human Interface Device"} {
		require.Contains(r.t, said, want)
	}
}

// checkTools checks what the kernel and its tools show of the devices. Every other check of this bus attaches devices with the same
// client.
func (r *rig) checkTools() {
	port := r.s.Device.Simulated.Port()
	require.NoError(r.t, r.second.Plug())
	r.waitForKernel(r.second.Port(), true)

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
	r.waitForKernel(r.second.Port(), false)
	_, ok = r.usbip("attach", "-r", "127.0.0.1", "-b", "1-2")
	require.False(r.t, ok, "not plugged in")

	// What the kernel has read from the device.
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

	// Interrupt transfers: a read that waits in the kernel until the device is unplugged, and a write, which stalls.
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
	require.Error(r.t, err, "the endpoint is halted, since the HID interface does nothing")
	select {
	case err := <-waits:
		require.Fail(r.t, "the read ended before the device was unplugged", "%v", err)
	default:
	}

	// Unplugged by the control API, the connection ends. The next import is a new device.
	r.cable("unplug")
	require.Error(r.t, <-waits)
	r.waitForKernel(port, false)
	said, _ = r.usbip("port")
	require.NotContains(r.t, said, "Full Speed")
	r.cable("plug")
	r.waitForKernel(port, true)
	said, _ = r.usbip("port")
	require.Equal(r.t, 1, strings.Count(said, "Full Speed(12Mbps)"))
}
