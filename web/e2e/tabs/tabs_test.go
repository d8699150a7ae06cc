package tabs

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// tabsPage is a page without a face that does with its devices what a test tells it, and says how it went: ” or a code.
const tabsPage = `<!doctype html><title>tab</title><script type="module">
import { loadImKey } from '/imkey.js'
globalThis.trustedCAs = [%s]
const imkey = await loadImKey({ trustedCAs })
const told = (e) => ({ code: e.code ?? String(e), holder: e.data?.holder ?? '', reason: e.data?.reason ?? '' })
const well = { code: '', holder: '', reason: '' }
Object.assign(globalThis, {
	imkey,
	// lost counts how often another tab took the device over.
	lost: 0,
	async find(serial) {
		const device = (await imkey.getDevices()).find((d) => !serial || d.serialNumber === serial)
		if (device === globalThis.device) return device
		device.addEventListener('disconnect', (e) => { if (e.detail.reason === 'taken-over') lost++ })
		return globalThis.device = device
	},
	// tell says how a job went.
	tell: (job) => job().then(() => well, told),
	// begin starts a job that a stop ends. It goes on until ended; settled says whether it has, or waits for a person.
	begin(job) {
		const stopper = new AbortController()
		globalThis.stop = () => stopper.abort()
		globalThis.state = 'running'
		const waits = (e) => { if (e.detail.state === 'waiting') ok('waiting') }
		let ok
		const waiting = new Promise((resolve) => { ok = resolve })
		device.addEventListener('interaction', waits)
		globalThis.ended = tell(() => job(stopper.signal)).finally(() => device.removeEventListener('interaction', waits))
		globalThis.settled = () => Promise.race([waiting, ended.then(() => 'ended')])
		globalThis.within = (ms) => Promise.race([ended, new Promise((r) => setTimeout(r, ms, { code: 'never', holder: '', reason: '' }))])
		return true
	},
})
document.title = 'ready'
</script>`

// jobEnd is how a job went.
type jobEnd struct{ Code, Holder, Reason string }

func (o jobEnd) String() string {
	if o.Code == "" {
		return "done"
	}
	return strings.TrimRight(strings.Join([]string{o.Code, o.Holder, o.Reason}, " "), " ")
}

// tabs is a browser with simulated devices and with tabs that are told what to do.
type tabs struct {
	*harness.Sim
	browser *harness.Browser
	hold    func(context.Context) // holds a page that asks for /hold
}

// newTabs starts it; the page may use every device on every one of the hosts.
func newTabs(t *testing.T, bound time.Duration, hosts []string, devices ...device.Options) *tabs {
	s := &tabs{Sim: harness.NewSimFor(t, devices[0], bound, devices[1:]...)}
	var cas, origins []string
	for _, d := range s.Devices {
		cas = append(cas, "'"+d.CA()+"'")
	}
	for _, host := range hosts {
		origins = append(origins, s.at(host))
	}
	s.ServeHTML("/tab", fmt.Sprintf(tabsPage, strings.Join(cas, ",")))
	s.ServeHTML("/elsewhere", "<!doctype html><title>elsewhere</title>")
	s.Handle("/hold", func(w http.ResponseWriter, r *http.Request) { s.hold(r.Context()) })
	s.browser = s.StartBrowser(harness.BrowserOptions{Origins: origins})
	return s
}

// at is the simulator's origin by another name of this machine: to a browser it is another site.
func (s *tabs) at(host string) string { return strings.Replace(s.URL, "127.0.0.1", host, 1) }

// tabReady is true of a page that can be told what to do.
const tabReady = "document.title === 'ready'"

// tab opens a tab on a host, ready to be told what to do.
func (s *tabs) tab(host string) *harness.Browser {
	b := s.browser.NewTab()
	b.Do(chromedp.Navigate(s.at(host) + "/tab"))
	b.WaitUntil(tabReady)
	return b
}

// tell has a tab do a job, which is to come to an end by itself.
func tell(b *harness.Browser, job string) jobEnd {
	b.T.Helper()
	return harness.Eval[jobEnd](b, "tell(async () => { "+job+" })")
}

// full is the number for IMKEY_FULL, or the sample's.
func full(sample, all int) int {
	if os.Getenv("IMKEY_FULL") != "" {
		return all
	}
	return sample
}
