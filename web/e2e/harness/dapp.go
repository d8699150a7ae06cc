package harness

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

// Dapp is a browser that shows the page of a site which uses imkey.js, with a provider for one chain.
type Dapp struct {
	*Browser
	// Origin is where the page is served; "" is the simulator's origin.
	Origin string
	calls  int // requests so far
}

// ServeDapp serves the page, which is blank. [Dapp.Load] gives it a provider.
func (s *Sim) ServeDapp() {
	s.ServeHTML("/dapp-under-test", "<!doctype html><title>dApp</title>")
}

// Puppet is a page for frames. It runs the JavaScript that the page around it says, and answers with its value. In it, ask makes a request of
// a provider that is announced, frame adds a frame, and tell makes a frame of its own run JavaScript.
const Puppet = `<!doctype html><title>Puppet</title><body><script>
	globalThis.ask = (method, params = []) => new Promise((resolve) => {
		let found
		addEventListener('eip6963:announceProvider', ({ detail }) => (found = detail.provider))
		dispatchEvent(new Event('eip6963:requestProvider'))
		if (!found) return resolve('no provider')
		found.request({ method, params }).then(JSON.stringify, ({ code, data }) => [code, data?.code, data?.reason].filter(Boolean).join(' ')).then(resolve)
	})
	globalThis.tell = (frame, script) => new Promise((resolve) => {
		const { port1, port2 } = new MessageChannel()
		port1.onmessage = ({ data }) => resolve(data)
		frame.contentWindow.postMessage(script, '*', [port2])
	})
	globalThis.frame = (attributes) => new Promise((resolve) => {
		const added = document.createElement('iframe')
		added.onload = () => resolve(added)
		for (const [name, value] of Object.entries(attributes)) added.setAttribute(name, value)
		document.body.append(added)
	})
	addEventListener('message', async ({ data, ports: [port] }) => {
		if (typeof data === 'string' && port) port.postMessage(await (0, eval)('(async () => (' + data + '))()').catch(String))
	})
</script>`

// OpenDapp opens the page in a new browser. rpc and options are those of [Dapp.Load].
func (s *Sim) OpenDapp(o BrowserOptions, rpc, options string) *Dapp {
	d := &Dapp{Browser: s.StartBrowser(o)}
	d.Load(rpc, options)
	return d
}

// Load loads the page, or reloads it, and creates its provider. rpc is the address of the node for the chain [FakeChain]; options
// are more options of createProvider, as JavaScript.
func (d *Dapp) Load(rpc, options string) {
	d.T.Helper()
	d.Do(chromedp.Navigate(cmp.Or(d.Origin, d.Sim.URL) + "/dapp-under-test"))
	d.Run(fmt.Sprintf(`
		const expired = [] // the delays of the timers that have expired
		const { setTimeout } = globalThis
		globalThis.setTimeout = (run, delay, ...args) => setTimeout((...given) => { expired.push(delay); run(...given) }, delay, ...args)
		const sdk = await import('/imkey.js')
		const rpc = %q, trustedCAs = [%q]
		const provider = sdk.createProvider({ chains: [{ chainId: %d, rpcUrls: [rpc] }], trustedCAs, pairing: 'none', %s })
		%s
		Object.assign(globalThis, { expired, sdk, rpc, trustedCAs, provider, events, outcome, event, pending: {}, controllers: {} })`,
		rpc, d.Sim.Device.CA(), FakeChain, options, dappTools))
}

// dappTools are what the methods of Dapp use in a page that has a provider.
const dappTools = `
		const events = []
		for (const name of ['connect', 'disconnect', 'chainChanged', 'accountsChanged', 'message', 'interaction']) {
			provider.on(name, payload => { events.push({ name, payload }); window.dispatchEvent(new Event('provider')) })
		}
		const outcome = promise => promise.then(value => ({ value: value ?? null }), error => ({
			code: error.code, name: error.name, message: error.message, reason: error.data?.code, retryable: error.data?.retryable,
			statusWord: error.data?.statusWord, data: error.data, real: error instanceof Error,
		}))
		// The first event of that name, of the events from number from on.
		const event = (name, from = 0) => new Promise(resolve => {
			const look = () => {
				const found = events.slice(from).find(one => one.name === name)
				if (found) (removeEventListener('provider', look), resolve(found.payload ?? null))
			}
			addEventListener('provider', look)
			look()
		})`

// Pair binds the device to this site with the code from the device's screen, and returns the code.
func (d *Dapp) Pair() (code string) {
	d.T.Helper()
	d.Run(`
		const [device] = await (await sdk.loadImKey({ trustedCAs })).getDevices()
		await device.open()
		await device.showBindingCode()
		await device.close()`)
	code = d.Sim.Device.Code()
	d.Bind(code)
	return code
}

// Bind binds the device to this site with a known code, even if the device is bound elsewhere.
func (d *Dapp) Bind(code string) {
	d.T.Helper()
	d.Run(fmt.Sprintf(`
		const [device] = await (await sdk.loadImKey({ trustedCAs })).getDevices()
		await device.open()
		await device.bind(%q)
		await device.close()`, code))
}

// Outcome is the result of a request: a value or an error.
type Outcome struct {
	Value      json.RawMessage // of a request that succeeded
	Code       int             // the error's code; 0 is success
	Name       string          // the error's name
	Message    string          // the error's message
	Reason     string          // data.code of the error: the code of the SDK
	Retryable  bool            // data.retryable of the error
	StatusWord int             // data.statusWord of the error
	Data       any             // data of the error
	Real       bool            // the error is an instance of Error
}

// Text returns the value of a request that gives a string.
func (o Outcome) Text(t *testing.T) string {
	t.Helper()
	require.Zero(t, o.Code, "%+v", o)
	var s string
	require.NoError(t, json.Unmarshal(o.Value, &s), "%s", o.Value)
	return s
}

// Request is a request of a dApp that has not ended yet.
type Request struct {
	d *Dapp
	n int
}

// Start makes a request and does not wait for it. params is a JavaScript expression.
func (d *Dapp) Start(method, params string) Request {
	d.T.Helper()
	d.calls++
	d.Run(fmt.Sprintf(`
		controllers[%[1]d] = new AbortController()
		pending[%[1]d] = outcome(provider.request({ method: %[2]q, params: %[3]s, signal: controllers[%[1]d].signal }))`, d.calls, method, params))
	return Request{d, d.calls}
}

// Click is [Dapp.Start] in answer to a click of the user, so that the browser opens windows and its chooser.
func (d *Dapp) Click(method, params string) Request {
	d.T.Helper()
	d.calls++
	_, err := chromedp.Run(d.Ctx, chromedp.Evaluate[bool](fmt.Sprintf(`
		controllers[%[1]d] = new AbortController()
		pending[%[1]d] = outcome(provider.request({ method: %[2]q, params: %[3]s, signal: controllers[%[1]d].signal }))
		true`, d.calls, method, params), func(p *runtime.EvaluateParams) {
		gesture := true
		p.UserGesture = &gesture
	}))
	require.NoError(d.T, err)
	return Request{d, d.calls}
}

// Abort aborts the request by its signal.
func (r Request) Abort() {
	r.d.T.Helper()
	r.d.Run(fmt.Sprintf("controllers[%d].abort()", r.n))
}

// WaitForQuestion waits until the device asks its user about the request. If the request ends before, the test fails and says how
// it ended.
func (r Request) WaitForQuestion() {
	r.d.T.Helper()
	ctx, stop := context.WithCancelCause(r.d.Ctx)
	defer stop(nil)
	go func() {
		pending := chromedp.Evaluate[Outcome](fmt.Sprintf("pending[%d]", r.n), chromedp.EvalAwaitPromise)
		if o, err := chromedp.Run(ctx, pending); err == nil {
			stop(fmt.Errorf("the request ended before the device asked its user: %+v", o))
		}
	}()
	if err := simtest.WaitFor(ctx, r.d.Sim.Device.Simulated, func(status device.Status) bool { return status.Asking }); err != nil {
		require.NoError(r.d.T, context.Cause(ctx))
	}
}

// WaitForEvent is [Dapp.WaitForEvent] for an event that the request causes. If the request ends before, the test fails and says
// how it ended.
func (r Request) WaitForEvent(name string, after int) {
	r.d.T.Helper()
	r.d.Run(fmt.Sprintf(`
		await Promise.race([event(%q, %d), pending[%d].then(ended => { throw Error('the request ended: ' + JSON.stringify(ended)) })])`, name, after, r.n))
}

// Wait waits until the request ends.
func (r Request) Wait() Outcome {
	r.d.T.Helper()
	return Eval[Outcome](r.d.Browser, fmt.Sprintf("pending[%d]", r.n))
}

// Request makes a request and waits until it ends. No button of the device is pressed meanwhile.
func (d *Dapp) Request(method, params string) Outcome {
	d.T.Helper()
	return d.Start(method, params).Wait()
}

// Accounts connects the dApp and returns its accounts.
func (d *Dapp) Accounts() []string {
	d.T.Helper()
	o := d.Request("eth_requestAccounts", "[]")
	require.Zero(d.T, o.Code, "%+v", o)
	var all []string
	require.NoError(d.T, json.Unmarshal(o.Value, &all))
	return all
}

// Events returns how many events the provider has emitted so far.
func (d *Dapp) Events() int { return Eval[int](d.Browser, "events.length") }

// WaitForEvent waits for an event of the provider. The first events, as many as after says, do not count.
func (d *Dapp) WaitForEvent(name string, after int) {
	d.T.Helper()
	d.Run(fmt.Sprintf("await event(%q, %d)", name, after))
}

// ExpiredTimers returns how many timers with at least this delay have expired in the page so far.
func (d *Dapp) ExpiredTimers(atLeast time.Duration) int {
	d.T.Helper()
	return Eval[int](d.Browser, fmt.Sprintf("expired.filter(delay => delay >= %d).length", atLeast.Milliseconds()))
}

// Confirm makes a request that the user confirms on the device.
func (d *Dapp) Confirm(method, params string) Outcome {
	d.T.Helper()
	r := d.Start(method, params)
	r.WaitForQuestion()
	d.Sim.Device.Press(device.OK)
	o := r.Wait()
	require.Zero(d.T, o.Code, "%s: %+v", method, o)
	return o
}

// RequireError checks that a request failed with a code and the reason data.code, and that the error has the form of all errors.
func (o Outcome) RequireError(t *testing.T, code int, reason string) {
	t.Helper()
	require.Equal(t, code, o.Code, "%+v", o)
	require.Equal(t, reason, o.Reason, "%+v", o)
	require.True(t, o.Real, "%+v", o)
	require.Equal(t, "ProviderRpcError", o.Name)
	require.Regexp(t, `^[A-Z].+\.( \(.+\))?$`, o.Message, "a sentence, and perhaps details")
	require.NotContains(t, o.Message, reason+": ", "the code is in the data")
}
