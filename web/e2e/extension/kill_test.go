package extension_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// The parts that are stopped, and when, and what the site does meanwhile. "during" is while the user is asked: in the request window for
// connect, in the tab that binds for pair, on the device for message and transaction. A request window exists only during a request, so
// for it "before" is before the user answers in it, and "after" is that it closes by itself.
var (
	stoppedParts   = []string{"worker", "offscreen", "window", "tab", "cable", "browser"}
	stoppedMoments = []string{"before", "during", "after"}
	stoppedActions = []string{"connect", "pair", "message", "transaction"}
)

// stoppedSample are the cases that `make test` runs.
var stoppedSample = []string{
	"worker during message", "window during message", "offscreen during message", "tab during message", "cable during message",
	"offscreen during connect", "window before transaction", "offscreen before connect",
}

// stopping is a browser in which parts are stopped.
type stopping struct {
	t       *testing.T // of the case
	whole   *testing.T // browsers and tabs live as long as the whole test
	s       *harness.Sim
	x       *harness.Extension
	d       *harness.Dapp // a site with a permission
	node    *harness.FakeNode
	origin  string
	code    string
	counts  map[string]int
	slowest time.Duration
}

// TestStoppedParts stops parts of the extension, the site's tab, the browser and the cable, before, during and after what a site asks for. Each
// request settles once, with its code: a stopped worker costs nothing, a window that the user closes is a rejection. The device asks
// nothing any more within two seconds and signed nothing that was not answered, the next request works, and no permission and no binding
// is lost. It prints what it counted.
func TestStoppedParts(t *testing.T) {
	t.Parallel()
	limit := harness.Timeout
	cases := stoppedSample
	if os.Getenv("IMKEY_FULL") != "" {
		cases, limit = nil, 20*harness.Timeout
		for _, part := range stoppedParts {
			for _, action := range stoppedActions {
				for _, moment := range stoppedMoments {
					cases = append(cases, part+" "+moment+" "+action)
				}
			}
		}
	}
	s := harness.NewSimFor(t, device.Options{Mnemonic: harness.TestPhrase(t)}, limit)
	s.ServeDapp()
	k := &stopping{t: t, whole: t, s: s, origin: origins(s)[0], node: harness.NewFakeNode(t), counts: map[string]int{}}
	k.start("")
	k.d, k.code = k.x.BoundSite(k.origin)
	k.useNode()
	for _, name := range cases {
		fields := strings.Fields(name)
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			k.in(t)
			defer k.in(k.whole)
			k.run(fields[0], fields[1], fields[2])
		})
		if t.Failed() {
			return
		}
	}
	outcomes := slices.Sorted(maps.Keys(k.counts))
	for i, outcome := range outcomes {
		outcomes[i] = fmt.Sprintf("%s: %d", outcome, k.counts[outcome])
	}
	t.Logf("%d cases; %s; the device was idle after %v at most", len(cases), strings.Join(outcomes, ", "), k.slowest.Round(time.Millisecond))
}

// in makes t the test that fails.
func (k *stopping) in(t *testing.T) { k.t, k.s.T, k.x.T, k.d.T = t, t, t, t }

// start starts the browser, or one with the same profile.
func (k *stopping) start(profile string) {
	now := k.t
	k.s.T = k.whole
	k.x = k.s.StartExtension(harness.BrowserOptions{Profile: profile})
	k.t, k.s.T, k.x.T = now, now, now
}

// open opens the site in a new tab.
func (k *stopping) open() {
	now := k.t
	k.x.T = k.whole
	k.d = k.x.Site(k.origin)
	k.in(now)
}

// useNode adds the node's chain to the site and selects it.
func (k *stopping) useNode() {
	o := k.d.Request("wallet_addEthereumChain", fmt.Sprintf(`[{ chainId: '0x%x', chainName: 'Test', rpcUrls: [%q], nativeCurrency: { name: 'T', symbol: 'T', decimals: 18 } }]`, harness.FakeChain, k.node.URL))
	require.Zero(k.t, o.Code, "%+v", o)
	o = k.d.Request("wallet_switchEthereumChain", fmt.Sprintf(`[{ chainId: '0x%x' }]`, harness.FakeChain))
	require.Zero(k.t, o.Code, "%+v", o)
}

func (k *stopping) run(part, moment, action string) {
	signed := k.signatures()
	switch action {
	case "connect":
		require.Zero(k.t, k.d.Request("wallet_revokePermissions", "[{ eth_accounts: {} }]").Code)
	case "pair": // a message while the device is not bound
		k.s.Device.Reset()
		k.s.Device.Restore(harness.TestPhrase(k.t))
	}
	if moment == "before" && part != "window" {
		k.stop(part, moment, action)
	}
	r := k.ask(action)
	switch {
	case part == "window" && moment == "before":
		k.x.WaitForTarget("/request.html")
		k.stop(part, moment, "connect")
	case moment == "during":
		k.answer(r, action)
		k.stop(part, moment, action)
		if part != "worker" && part != "cable" { // an unplugged device asks nothing
			began := time.Now()
			k.s.WaitUntilIdle()
			k.slowest = max(k.slowest, time.Since(began))
			require.Less(k.t, time.Since(began), 2*time.Second, "the device is idle")
		}
	default:
		k.answer(r, action)
	}
	gone := (part == "tab" || part == "browser") && moment == "during"
	worked := part == "worker" || moment == "after" || moment == "before" && part != "window"
	outcome := "page gone"
	switch {
	case worked:
		k.confirm(r, action)
		o := r.Wait()
		require.Zero(k.t, o.Code, "%+v", o)
		outcome = "answered"
	case !gone:
		o := r.Wait()
		outcome = fmt.Sprintf("%d %s", o.Code, o.Reason)
		want := map[string][]string{
			"window":    {"4001 user-rejected"},
			"offscreen": {"4900 aborted"},
			"cable":     {"4900 device-disconnected", "4900 no-device"},
		}[part]
		if moment == "during" && (action == "pair" && part != "offscreen" || action == "connect" && part == "cable") {
			want = []string{"4001 request-cancelled"}
		}
		require.Contains(k.t, want, outcome, "%+v", o)
	}
	k.counts[outcome]++
	if moment == "after" {
		k.stop(part, moment, action)
	}
	if part == "cable" && moment != "before" {
		k.plug()
	}
	k.s.WaitUntilIdle()
	expected := signed
	if worked && action != "connect" {
		expected++
	}
	require.Equal(k.t, expected, k.signatures(), "signatures")
	if part == "tab" && moment != "before" {
		k.open()
	}
	k.next(action)
}

// next makes the site's next request, which works, with the binding and the permission that it has.
func (k *stopping) next(action string) {
	if action == "connect" && string(k.d.Request("eth_accounts", "[]").Value) == "[]" {
		r := k.ask(action)
		k.answer(r, action)
		k.confirm(r, action)
		require.Equal(k.t, []string{harness.FirstAddress}, r.Accounts())
		k.useNode()
	}
	require.Equal(k.t, []string{harness.FirstAddress}, k.d.Accounts(), "without a question")
	if !k.s.IsBound() {
		r := k.ask("pair")
		k.answer(r, "pair")
		k.confirm(r, "pair")
		r.Wait().Text(k.t)
	}
	k.x.Sign(k.d, "next")
	k.x.CloseEnded() // the next case waits for a window of its own
	require.True(k.t, k.s.IsBound())
}

// ask makes the request.
func (k *stopping) ask(action string) harness.Request {
	switch action {
	case "message", "pair":
		return k.d.Start("personal_sign", `["0x00", "`+harness.FirstAddress+`"]`)
	case "transaction":
		return k.d.Start("eth_sendTransaction", fmt.Sprintf("[{ from: %q, to: %q, value: '0x1' }]", harness.FirstAddress, harness.FirstAddress))
	default:
		return k.d.Start("eth_requestAccounts", "[]")
	}
}

// answer goes to the point where the user is asked for the last time.
func (k *stopping) answer(r harness.Request, action string) {
	switch action {
	case "connect":
		k.x.WaitForAnswer("accept")
	case "pair":
		k.x.Answer("accept")
		tab := k.x.Attach("/pair.html")
		k.x.GoToCode(tab)
	default:
		k.x.Answer("accept")
		r.WaitForQuestion()
	}
}

// confirm answers there.
func (k *stopping) confirm(r harness.Request, action string) {
	switch action {
	case "connect":
		k.x.Answer("accept")
	case "pair":
		tab := k.x.Attach("/pair.html")
		tab.EnterCode(k.s.Device.Code())
		tab.WaitForState("bound")
		tab.Press("done")
		r.WaitForQuestion()
		k.s.Device.Press(device.OK)
	default:
		k.s.Device.Press(device.OK)
	}
}

// stop stops a part.
func (k *stopping) stop(part, moment, action string) {
	switch part {
	case "worker":
		k.x.CloseTarget("/worker.js")
	case "offscreen":
		k.x.CloseTarget("/offscreen.html")
	case "window":
		switch {
		case moment == "after": // it closes by itself
			k.x.WaitForNoTarget("/request.html")
			k.x.WaitForNoTarget("/pair.html")
		case action == "pair":
			k.x.CloseTarget("/pair.html")
		default:
			k.x.CloseTarget("/request.html")
		}
	case "tab":
		k.d.Close()
		if moment == "before" {
			k.open()
		}
	case "cable":
		k.s.Device.Unplug()
		switch {
		case moment == "before":
			k.plug()
		case moment == "during" && action == "connect":
			k.x.WaitForDevices(0)
			k.x.Answer("accept")
			k.x.CloseTarget("/pair.html") // where the user could choose another device
		case moment == "during" && action == "pair":
			k.x.CloseTarget("/pair.html") // it waits for the device until the user closes it
		}
	case "browser":
		profile := k.x.Profile
		k.x.Close()
		k.start(profile)
		k.open()
	}
}

// plug plugs the device in, once the browser has noticed that it was unplugged, and waits until it lists it again.
func (k *stopping) plug() {
	k.x.WaitForDevices(0)
	k.s.Device.Plug()
	k.x.WaitForDevices(1)
}

// signatures returns how often the device signed.
func (k *stopping) signatures() int {
	count := 0
	for _, event := range k.s.Device.Trace() {
		if strings.Contains(event.Text, "→ signed") {
			count++
		}
	}
	return count
}
