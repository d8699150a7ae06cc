package security

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/frame"
	"imkey-connect/core/transport"
	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/fakeca"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// middle is a machine on the cable. It forwards packets to one device or to another one, and the browser sees no new plug.
type middle struct {
	mu    sync.Mutex
	send  func([]byte)
	link  transport.Link
	asm   frame.Assembler
	codes int // how many IDENTITY_VERIFY commands the present device got
}

func (m *middle) Attach(send func([]byte)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.send = send
}

func (m *middle) Detach() {}

func (m *middle) Packet(b []byte) {
	m.mu.Lock()
	link := m.link
	if ev, err := m.asm.Add(b); err == nil && ev.Kind == frame.Message && len(ev.Data) > 1 && ev.Data[0] == 0x80 && ev.Data[1] == 0x73 {
		m.codes++
	}
	m.mu.Unlock()
	p := frame.Packet(b)
	_ = link.Send(context.Background(), &p)
}

// forward makes the machine forward to this device from now on.
func (m *middle) forward(t *testing.T, d *device.Device) {
	link, err := d.Link(t.Context())
	require.NoError(t, err)
	m.mu.Lock()
	before := m.link
	m.link, m.codes = link, 0
	m.mu.Unlock()
	if before != nil {
		require.NoError(t, before.Close())
	}
	go func() {
		for {
			p, err := link.Receive(context.Background())
			if err != nil {
				return
			}
			m.mu.Lock()
			send, current := m.send, m.link == link
			m.mu.Unlock()
			if current {
				send(p[:])
			}
		}
	}()
	t.Cleanup(func() { _ = link.Close() })
}

// proved returns how many codes were proved to the present device.
func (m *middle) proved() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.codes
}

// swap is a browser with a machine in the middle, the user's device, and the attacker's, which has the same SEID and serial number
// and another key. No trusted CA verifies it.
type swap struct {
	*harness.Browser
	*middle
	t       *testing.T
	theirs  *device.Device
	attacks int
}

func newSwap(t *testing.T) *swap {
	s := harness.NewSim(t, device.Options{Mnemonic: harness.DemoPhrase})
	ours := s.Device.Status()
	ca, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	theirs, err := device.New(device.Options{CA: ca, Serial: ours.Serial, SEID: ours.SEID, Applets: applets.All()})
	require.NoError(t, err)
	t.Cleanup(func() { theirs.Close() })
	m := &middle{}
	m.forward(t, s.Device.Simulated)
	s.PlugInstead(usb.NewPort(usb.Identity{Serial: ours.Serial, Product: "imKey Pro"}, m, nil))
	s.Handle("/empty", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>site</title>")
	})
	return &swap{s.StartBrowser(harness.BrowserOptions{}), m, t, theirs, 0}
}

// attack freezes the page, puts the attacker's device in the place of the user's, and wakes the page.
func (s *swap) attack() {
	s.Freeze()
	s.forward(s.t, s.theirs)
	s.Wake()
	s.attacks++
}

// waitForDialog is [harness.Browser.WaitForDialog] without animation frames, which a page that was frozen may not get.
func (s *swap) waitForDialog(selector string) {
	s.WaitUntil("!!dialog()?.querySelector(`" + selector + "`)")
}

// showCode goes to the boxes for the code, waits until nothing is under way with the device, and returns the code.
func (s *swap) showCode() string {
	s.Open("/")
	s.GoToCode()
	s.Press("show-again")
	s.WaitForText("pairing.shownAgain")
	return s.Sim.Device.Code()
}

// requireNothingProved checks that the attacker learned nothing of the code, and gives the user's device back.
func (s *swap) requireNothingProved(what string) {
	require.Zero(s.t, s.proved(), "%s: a code was proved to a key that the user did not see", what)
	require.Equal(s.t, 10, s.theirs.Status().CodeAttemptsLeft, what)
	require.NotEqual(s.t, "bound", s.theirs.Status().Binding, what)
	s.forward(s.t, s.Sim.Device.Simulated)
}

// TestAnotherDeviceAfterAFreeze shows the user a verified device. Then the browser freezes the page, and another device answers
// when the page runs again.
func TestAnotherDeviceAfterAFreeze(t *testing.T) {
	t.Parallel()
	s := newSwap(t)

	t.Log("on the connect page, before the user asks for the code once more")
	code := s.showCode()
	s.attack()
	s.Press("show-again")
	s.WaitForErrorText("device-changed")
	s.requireNothingProved("the code once more")

	t.Log("on the connect page, while the user types the code")
	s.showCode()
	s.attack()
	s.EnterCode(code)
	s.WaitForErrorText("device-changed")
	require.Zero(t, s.proved())
	require.Equal(t, "H1", harness.Eval[string](s.Browser, "document.activeElement.tagName"), "a key for the view before starts nothing")
	s.Press("retry")
	s.WaitForStateAfterError("recognised")
	s.Press("go-on")
	s.WaitForState("unverified")
	s.requireNothingProved("the connect page")

	t.Log("on a site with the SDK, which accepts unverified devices")
	s.Open("/empty")
	s.Run(fmt.Sprintf(`
		const { loadImKey } = await import('/imkey.js')
		globalThis.device = (await (await loadImKey({ trustedCAs: [%q], allowUnverified: true })).getDevices())[0]
		globalThis.shown = await device.open()
		if (shown.certificate !== 'verified') throw new Error(shown.certificate)
		await device.showBindingCode()`, s.Sim.Device.CA()))
	s.attack()
	ended := harness.Eval[[]string](s.Browser, fmt.Sprintf(`(async () => {
		const end = (call) => call.then(() => 'done', (e) => e.code)
		return [
			await end(device.bind(%[1]q, { acceptUnverified: true })),
			await end(device.bind(%[1]q, { acceptUnverified: true })),
			await end(device.bind(%[1]q, { acceptUnverified: true, shown })),
			device.info.secureElementKey === shown.secureElementKey ? 'same info' : 'other info',
			await device.open().then((now) => now.certificate),
			await end(device.bind(%[1]q, { acceptUnverified: true, shown })),
			await end(device.revealBindingCode({ acceptUnverified: true, shown })),
			await end(device.forget({ shown })),
			await end(device.ethereum.signMessage('x', { acceptUnverified: true, allowUnbound: true, shown })),
		] })()`, code))
	require.Equal(t, append(slices.Repeat([]string{"device-changed"}, 3), "same info", "unverified",
		"device-changed", "device-changed", "device-changed", "device-changed"), ended)
	s.requireNothingProved("the SDK")

	t.Log("in the dialog of a dApp")
	s.ExposeDialog()
	s.Open("/empty")
	s.Run(fmt.Sprintf(`
		const { createProvider } = await import('/imkey.js')
		const provider = createProvider({ chains: [{ chainId: 1, rpcUrls: ['http://127.0.0.1:1'] }], trustedCAs: [%q] })
		provider.request({ method: 'eth_requestAccounts' }).catch(() => {})`, s.Sim.Device.CA()))
	s.waitForDialog(`[data-state="recognised"]`)
	s.Run(`dialog().querySelector('[data-action="go-on"]').click()`)
	s.waitForDialog(`[data-state="code"]`)
	s.Run(`dialog().querySelector('[data-action="show-again"]').click()`)
	s.WaitUntil(fmt.Sprintf("dialog().textContent.includes(%q)", s.Words("pairing.shownAgain")))
	s.attack()
	s.EnterCode(code)
	s.waitForDialog(`[data-error]`)
	require.Equal(t, "device-changed", harness.Eval[string](s.Browser, "dialog().querySelector('[data-error]').dataset.error"))
	what, next := s.ErrorWords("device-changed")
	text := harness.Eval[string](s.Browser, "dialog().querySelector('[data-error]').innerText")
	require.Contains(t, text, what)
	require.Contains(t, text, next)
	s.requireNothingProved("the dialog")

	t.Log("after a wrong code")
	s.Open("/")
	s.GoToCode()
	s.EnterCode(harness.WrongCode(code))
	s.WaitForState("wrong")
	s.attack()
	s.EnterCode(code)
	s.WaitForErrorText("device-changed")
	s.requireNothingProved("after a wrong code")

	t.Log("with a bound device, before its code is viewed")
	s.Open("/")
	s.GoToCode()
	s.EnterCode(code)
	s.WaitForState("bound")
	s.attack()
	s.UnfoldManagement()
	s.Press("view-code")
	s.WaitForErrorText("device-changed")
	s.requireNothingProved("the management")
	require.Equal(t, 6, s.attacks)
}
