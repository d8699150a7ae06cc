package provider

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestTwoDevicesWithOneSerialNumber plugs two devices with the same USB serial number in and out. The accounts follow the secure
// element's key: the other device is not connected, and gets no request.
func TestTwoDevicesWithOneSerialNumber(t *testing.T) {
	t.Parallel()
	const serial = "imKey01191200001"
	s := harness.NewSim(t, device.Options{Serial: serial, Mnemonic: harness.TestPhrase(t)},
		device.Options{Serial: serial, SEID: "18000000000000000000000000000002", Mnemonic: harness.DemoPhrase})
	own, other := s.Devices[0], s.Devices[1]
	other.Unplug()
	s.ServeDapp()
	n := harness.NewFakeNode(t)
	d := s.OpenDapp(harness.BrowserOptions{}, n.URL, "remember: true")
	d.Pair()
	require.Equal(t, []string{harness.FirstAddress}, d.Accounts())

	before := d.Events()
	own.Unplug()
	d.WaitForEvent("disconnect", before)
	after := d.Events()
	d.Run("globalThis.plugged = new Promise(seen => navigator.usb.addEventListener('connect', seen, { once: true }))")
	other.Plug()
	d.Run("await plugged")
	for _, method := range []string{"personal_sign", "eth_sendTransaction"} {
		d.Request(method, signing[method]).RequireError(t, 4900, "device-disconnected")
	}
	require.False(t, harness.Eval[bool](d.Browser, "provider.isConnected()"))
	require.Equal(t, after, d.Events(), "the other device is not connected")

	t.Log("both are plugged in")
	own.Plug()
	d.WaitForEvent("connect", after)
	d.Confirm("personal_sign", personalSign)
	require.Equal(t, "connect", harness.Eval[string](d.Browser, fmt.Sprintf("events.slice(%d).map(e => e.name).filter(n => n !== 'interaction').join()", after)))
	d.Load(n.URL, "remember: true") // a reload
	d.Confirm("personal_sign", personalSign)

	t.Log("only the other one, after a reload")
	own.Unplug()
	d.Load(n.URL, "remember: true")
	d.Request("personal_sign", personalSign).RequireError(t, 4900, "device-disconnected")
	require.Equal(t, "none", other.Status().Binding)
	require.False(t, other.Status().Asking)
	before = d.Events()
	own.Plug()
	d.WaitForEvent("connect", before)
	d.Confirm("personal_sign", personalSign)
}
