package e2e

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

// The addresses of the test wallet at m/44'/60'/0'/0/0 and /1.
const firstAddress, secondAddress = "0x6031564e7b2F5cc33737807b2E58DaFF870B590b", "0x80427Ae1f55bCf60ee4CD2db7549b8BC69a74303"

// testPhrase is the wallet whose addresses and signatures were recorded on real devices.
func testPhrase(t *testing.T) string {
	b, err := os.ReadFile("../../core/testdata/vectors/imkey.json")
	require.NoError(t, err)
	var vectors struct{ TestWallet struct{ Mnemonic string } }
	require.NoError(t, json.Unmarshal(b, &vectors))
	return vectors.TestWallet.Mnemonic
}

// hexBytes is bytes that are 0x and hex digits in JSON.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte("0x" + hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	digits, ok := strings.CutPrefix(string(text), "0x")
	if !ok {
		return fmt.Errorf("%q is not 0x and hex digits", text)
	}
	*b, err = hex.DecodeString(digits)
	return err
}

// dapp is a browser that shows a site of somebody's with imkey.js on it, and a provider for one chain.
type dapp struct {
	*browser
	calls int
}

// site serves the blank page of a dApp, and what it starts with.
func (s *sim) site() {
	s.routes.HandleFunc("/dapp-under-test", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<!doctype html><title>dApp</title>"))
	})
}

// dapp opens that page in a new browser; rpc is the node of its chain, options are more of the provider's, as JavaScript.
func (s *sim) dapp(o browserOptions, rpc, options string) *dapp {
	d := &dapp{browser: s.browse(o)}
	d.load(rpc, options)
	return d
}

// load loads the page, or loads it anew.
func (d *dapp) load(rpc, options string) {
	d.t.Helper()
	d.do(chromedp.Navigate(d.sim.url + "/dapp-under-test"))
	d.run(fmt.Sprintf(`
		const sdk = await import('/imkey.js')
		const rpc = %q, trustedCAs = [%q]
		const provider = sdk.createProvider({ chains: [{ chainId: %d, rpcUrls: [rpc] }], trustedCAs, pairing: 'none', %s })
		const events = []
		for (const name of ['connect', 'disconnect', 'chainChanged', 'accountsChanged', 'message', 'interaction']) {
			provider.on(name, payload => { events.push({ name, payload }); window.dispatchEvent(new Event('provider')) })
		}
		const outcome = promise => promise.then(value => ({ value: value ?? null }), error => ({
			code: error.code, name: error.name, message: error.message, reason: error.data?.code, retryable: error.data?.retryable,
			statusWord: error.data?.statusWord, data: error.data, real: error instanceof Error,
		}))
		// The event of that name, from the nth of all on.
		const told = (name, from = 0) => new Promise(resolve => {
			const look = () => {
				const found = events.slice(from).find(event => event.name === name)
				if (found) (removeEventListener('provider', look), resolve(found.payload ?? null))
			}
			addEventListener('provider', look)
			look()
		})
		Object.assign(globalThis, { sdk, rpc, trustedCAs, provider, events, outcome, told, pending: {}, controllers: {} })`,
		rpc, d.sim.device.Status().CA, fakeChain, options))
}

// pair binds the device to this site, with the code from the device's screen, and returns the code.
func (d *dapp) pair() (code string) {
	d.t.Helper()
	d.run(`
		const [device] = await (await sdk.loadImKey({ trustedCAs })).getDevices()
		await device.open()
		await device.showBindingCode()
		await device.close()`)
	code = d.sim.code()
	d.bind(code)
	return code
}

// bind binds the device with a code that was read before, and takes it over if it is bound elsewhere.
func (d *dapp) bind(code string) {
	d.t.Helper()
	d.run(fmt.Sprintf(`
		const [device] = await (await sdk.loadImKey({ trustedCAs })).getDevices()
		await device.open()
		await device.bind(%q)
		await device.close()`, code))
}

// outcome is how a request ended: with a value, or with an error's parts.
type outcome struct {
	Value      json.RawMessage
	Code       int
	Name       string
	Message    string
	Reason     string
	Retryable  bool
	StatusWord int
	Data       any
	Real       bool // an Error
}

func (o outcome) text(t *testing.T) string {
	t.Helper()
	require.Zero(t, o.Code, "%+v", o)
	var s string
	require.NoError(t, json.Unmarshal(o.Value, &s), "%s", o.Value)
	return s
}

// request is a request under way.
type request struct {
	d *dapp
	n int
}

// start makes a request and does not wait for it. params is JavaScript.
func (d *dapp) start(method, params string) request {
	d.t.Helper()
	d.calls++
	d.run(fmt.Sprintf(`
		controllers[%[1]d] = new AbortController()
		pending[%[1]d] = outcome(provider.request({ method: %[2]q, params: %[3]s, signal: controllers[%[1]d].signal }))`, d.calls, method, params))
	return request{d, d.calls}
}

// abort gives the request up.
func (r request) abort() {
	r.d.t.Helper()
	r.d.run(fmt.Sprintf("controllers[%d].abort()", r.n))
}

// asking waits until the device asks its person about the request. One that ends unasked fails the test, and says how.
func (r request) asking() {
	r.d.t.Helper()
	ctx, stop := context.WithCancelCause(r.d.ctx)
	defer stop(nil)
	go func() {
		pending := chromedp.Evaluate[outcome](fmt.Sprintf("pending[%d]", r.n), chromedp.EvalAwaitPromise)
		if o, err := chromedp.Run(ctx, pending); err == nil {
			stop(fmt.Errorf("the request ended, and its person was not asked: %+v", o))
		}
	}()
	if err := simtest.WaitFor(ctx, r.d.sim.device, func(status device.Status) bool { return status.Asking }); err != nil {
		require.NoError(r.d.t, context.Cause(ctx))
	}
}

// told is dapp.told for an event that the request brings. One that ends without it fails the test, and says how.
func (r request) told(name string, after int) {
	r.d.t.Helper()
	r.d.run(fmt.Sprintf(`
		await Promise.race([told(%q, %d), pending[%d].then(ended => { throw Error('the request ended: ' + JSON.stringify(ended)) })])`, name, after, r.n))
}

// end waits for the request.
func (r request) end() outcome {
	r.d.t.Helper()
	return eval[outcome](r.d.browser, fmt.Sprintf("pending[%d]", r.n))
}

// request makes a request that the device's person is not asked about, or whose device answers by itself.
func (d *dapp) request(method, params string) outcome {
	d.t.Helper()
	return d.start(method, params).end()
}

// accounts connects.
func (d *dapp) accounts() []string {
	d.t.Helper()
	o := d.request("eth_requestAccounts", "[]")
	require.Zero(d.t, o.Code, "%+v", o)
	var all []string
	require.NoError(d.t, json.Unmarshal(o.Value, &all))
	return all
}

// events counts the provider's events so far.
func (d *dapp) events() int { return eval[int](d.browser, "events.length") }

// told waits for an event of the provider that comes after so many others.
func (d *dapp) told(name string, after int) {
	d.t.Helper()
	d.run(fmt.Sprintf("await told(%q, %d)", name, after))
}

// asking waits until the device asks its person.
func (s *sim) asking() {
	s.t.Helper()
	s.is(func(status device.Status) bool { return status.Asking })
}

// idle waits until it asks no more.
func (s *sim) idle() {
	s.t.Helper()
	s.is(func(status device.Status) bool { return !status.Asking })
}

// confirm waits for a question on the device's screen, reads all its pages, and presses OK.
func (s *sim) confirm() (pages string) {
	s.t.Helper()
	return s.Device.Approve()
}

// signer recovers the address that signed a digest; signature is r, s and v as 27 or 28. The library is not core's.
func signer(t *testing.T, digest []byte, signature string) string {
	t.Helper()
	var b hexBytes
	require.NoError(t, b.UnmarshalText([]byte(signature)))
	require.Len(t, b, 65)
	key, _, err := ecdsa.RecoverCompact(append([]byte{b[64]}, b[:64]...), digest)
	require.NoError(t, err)
	return "0x" + hex.EncodeToString(keccak(key.SerializeUncompressed()[1:])[12:])
}

// personal is the digest of a message by EIP-191.
func personal(message string) []byte {
	return keccak(fmt.Appendf(nil, "\x19Ethereum Signed Message:\n%d%s", len(message), message))
}
