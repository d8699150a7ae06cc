package pairing

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// TestOpenIsBounded opens the device in a page in which one part of the open never ends. Each open ends with a timeout, and nothing
// stays claimed: another tab opens the device afterwards. The bound of 60 s is shortened to 3 s.
func TestOpenIsBounded(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	s.ServeHTML("/bounded", "<!doctype html><title>site</title>")
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	s.Handle("/hangs.wasm", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/wasm")
		_, _ = w.Write([]byte("\x00asm\x01\x00\x00\x00"))
		w.(http.Flusher).Flush()
		select {
		case <-hung:
		case <-r.Context().Done():
		}
	})
	b := s.StartBrowser(harness.BrowserOptions{})
	for name, c := range map[string]struct{ hang, options, cleanup string }{
		"the device sends keep-alives without end": {hang: `
			const { transferIn } = USBDevice.prototype
			let packets = 0
			USBDevice.prototype.transferIn = async function (...args) {
				if (++packets < 8) return transferIn.apply(this, args)
				await new Promise(resolve => setTimeout(resolve, 50))
				const packet = new Uint8Array(64)
				packet.set([0, 0, 0, 0, 0xbb, 0, 1, 2])
				return { status: 'ok', data: new DataView(packet.buffer) }
			}`, cleanup: "USBDevice.prototype.transferIn = transferIn"},
		"the browser never answers open":           {hang: "USBDevice.prototype.open = () => new Promise(() => {})"},
		"the browser never answers claimInterface": {hang: "USBDevice.prototype.claimInterface = () => new Promise(() => {})"},
		"the browser never grants a lock":          {hang: "LockManager.prototype.request = () => new Promise(() => {}); LockManager.prototype.query = () => new Promise(() => {})"},
		"the download of imkey.wasm never ends":    {options: "wasmURL: '/hangs.wasm'"},
	} {
		t.Run(name, func(t *testing.T) {
			page := b.NewTab()
			page.T = t
			page.Open("/bounded")
			outcome := harness.Eval[struct {
				Code   string
				Took   float64
				Opened bool
				Locks  int
			}](page, fmt.Sprintf(`(async () => {
				const real = setTimeout
				globalThis.setTimeout = (run, delay, ...args) => real(run, delay === 60_000 ? 3000 : delay, ...args)
				%s
				const { loadImKey } = await import('/imkey.js')
				globalThis.usb = (await navigator.usb.getDevices())[0]
				const [device] = await (await loadImKey({ trustedCAs: [%q], %s })).getDevices()
				const start = performance.now()
				const code = await device.open().then(() => 'opened', error => error.code)
				const took = performance.now() - start
				return { code, took, opened: device.opened }
			})()`, c.hang, s.Device.CA(), c.options))
			require.Equal(t, "timeout", outcome.Code)
			require.InDelta(t, 3000, outcome.Took, 2900, "ms")
			require.False(t, outcome.Opened)

			// The page is still there, and has nothing: another tab opens the device.
			other := b.NewTab()
			other.T = t
			other.Open("/bounded")
			require.Equal(t, "opened", harness.Eval[string](other, fmt.Sprintf(`(async () => {
				const { loadImKey } = await import('/imkey.js')
				const [device] = await (await loadImKey({ trustedCAs: [%q] })).getDevices()
				for (;;) { // the first page releases the device within its own bounds
					const code = await device.open().then(() => 'opened', error => error.code)
					if (code !== 'in-use-elsewhere') return code
				}
			})()`, s.Device.CA())))
			require.False(t, harness.Eval[bool](page, "usb.opened"))
			other.Close()
			page.Close()
		})
	}
}
