package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// TestSeveralDevices: each has a bus id, a serial number, a page and a part of the control API of its own, and what is done
// to one is done to it alone.
func TestSeveralDevices(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{}, device.Options{PIN: "123456"}, device.Options{})
	b := s.browse(browserOptions{})
	var serials []string
	for _, d := range s.Devices {
		serials = append(serials, d.Serial())
	}
	listed := func() []string {
		return eval[[]string](b, "navigator.usb.getDevices().then(all => all.map(device => device.serialNumber))")
	}
	b.open("/")
	require.ElementsMatch(t, serials, listed())

	for n, serial := range serials {
		b.open(fmt.Sprintf("/device?device=%d", n+1))
		b.until(fmt.Sprintf(`document.querySelector('[data-fact=serial] dd')?.textContent === %q`, serial))
	}
	b.run(`for (const name of ['disconnect', 'connect']) {
		globalThis[name] = new Promise(resolve => navigator.usb.addEventListener(name, event => resolve(event.device.serialNumber)))
	}`)
	b.press("cable") // of the third
	require.Equal(t, serials[2], eval[string](b, "disconnect"))
	require.ElementsMatch(t, serials[:2], listed())
	require.Equal(t, []bool{true, true, false}, plugged(s))
	b.until("document.querySelector('.held-unplugged') !== null") // the page knows: the next press plugs in
	b.press("cable")
	require.Equal(t, serials[2], eval[string](b, "connect"))
	require.Equal(t, []bool{true, true, true}, plugged(s))

	b.open("/device?device=4")
	b.until("document.querySelector('.facts').textContent.includes('no simulator')")
}

func plugged(s *sim) (all []bool) {
	for _, d := range s.Devices {
		all = append(all, d.Status().Plugged)
	}
	return all
}

// TestAPageForOneOfSeveral: the connect page of the second device binds the second, over the browser's own navigator.usb.
func TestAPageForOneOfSeveral(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{}, device.Options{})
	b := s.browse(browserOptions{permitted: s.Devices[1:]})
	b.open("/?device=2")
	b.wait("[data-state]")
	b.wait("[data-state]")
	b.toCode()
	b.typeCode(s.Devices[1].Code())
	b.state("bound")
	s.Devices[1].Bound()
	require.Equal(t, "none", s.Device.Status().Binding)
}

// TestTheDemonstrationKnowsEveryCA: the page of the first device verifies the second, which has a CA of its own.
func TestTheDemonstrationKnowsEveryCA(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{}, device.Options{})
	b := s.browse(browserOptions{permitted: s.Devices[1:]})
	b.watchDialog()
	b.open("/dapp")
	b.press("connect")
	b.dialogShows("recognised")
	require.Contains(t, eval[string](b, "dialog().textContent"), s.Devices[1].Serial())
	require.Equal(t, "verified", eval[string](b, "dialog().querySelector('[data-certificate]').dataset.certificate"))
}
