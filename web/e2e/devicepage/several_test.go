package devicepage

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestSeveralDevicePages checks that each of several simulated devices has a bus id, a serial number, a page and a control API
// of its own.
func TestSeveralDevicePages(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{}, device.Options{PIN: "123456"}, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	var serials []string
	for _, device := range s.Devices {
		serials = append(serials, device.Serial())
	}
	listed := func() []string {
		return harness.Eval[[]string](b, "navigator.usb.getDevices().then(all => all.map(device => device.serialNumber))")
	}
	b.Open("/")
	require.ElementsMatch(t, serials, listed())

	for n, serial := range serials {
		b.Open(fmt.Sprintf("/device?device=%d", n+1))
		b.WaitUntil(fmt.Sprintf(`document.querySelector('[data-fact=serial] dd')?.textContent === %q`, serial))
	}
	b.Run(`for (const name of ['disconnect', 'connect']) {
		globalThis[name] = new Promise(resolve => navigator.usb.addEventListener(name, event => resolve(event.device.serialNumber)))
	}`)
	b.Press("cable") // of the third device
	require.Equal(t, serials[2], harness.Eval[string](b, "disconnect"))
	require.ElementsMatch(t, serials[:2], listed())
	require.Equal(t, []bool{true, true, false}, plugged(s))
	b.WaitUntil("document.querySelector('.held-unplugged') !== null") // the page has noticed: the next press plugs the device in
	b.Press("cable")
	require.Equal(t, serials[2], harness.Eval[string](b, "connect"))
	require.Equal(t, []bool{true, true, true}, plugged(s))

	b.Open("/device?device=4")
	b.WaitForTextIn(".facts", "device.none")
}

// plugged says of each device whether it is plugged in.
func plugged(s *harness.Sim) (all []bool) {
	for _, device := range s.Devices {
		all = append(all, device.Status().Plugged)
	}
	return all
}
