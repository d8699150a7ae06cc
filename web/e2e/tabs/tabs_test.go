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

// tabsPage is a blank page that runs the jobs of a test on its devices. It reports the code of the error with which a job ended, or an
// empty code for success.
const tabsPage = `<!doctype html><title>tab</title><script type="module">
import { loadImKey } from '/imkey.js'
globalThis.trustedCAs = [%s]
const imkey = await loadImKey({ trustedCAs })
const failed = (e) => ({ code: e.code ?? String(e), holder: e.data?.holder ?? '', reason: e.data?.reason ?? '' })
const succeeded = { code: '', holder: '', reason: '' }
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
	// run runs a job and gives how it ended.
	run: (job) => job().then(() => succeeded, failed),
	// begin starts a job, which stop aborts. ended is how it ends; settled says whether it has ended or waits for the user.
	begin(job) {
		const stopper = new AbortController()
		globalThis.stop = () => stopper.abort()
		globalThis.state = 'running'
		const waits = (e) => { if (e.detail.state === 'waiting') ok('waiting') }
		let ok
		const waiting = new Promise((resolve) => { ok = resolve })
		device.addEventListener('interaction', waits)
		globalThis.ended = run(() => job(stopper.signal)).finally(() => device.removeEventListener('interaction', waits))
		globalThis.settled = () => Promise.race([waiting, ended.then(() => 'ended')])
		globalThis.within = (ms) => Promise.race([ended, new Promise((r) => setTimeout(r, ms, { code: 'never', holder: '', reason: '' }))])
		return true
	},
})
document.title = 'ready'
</script>`

// jobEnd is how a job ended. Without a code it succeeded.
type jobEnd struct{ Code, Holder, Reason string }

// String describes the end.
func (o jobEnd) String() string {
	if o.Code == "" {
		return "done"
	}
	return strings.TrimRight(strings.Join([]string{o.Code, o.Holder, o.Reason}, " "), " ")
}

// tabs is a browser whose tabs show tabsPage.
type tabs struct {
	*harness.Sim
	browser *harness.Browser
	hold    func(context.Context) // is called for a request of /hold, which is answered when it returns
}

// newTabs starts the browser. The page may use every device, on each of the hosts.
func newTabs(t *testing.T, limit time.Duration, hosts []string, devices ...device.Options) *tabs {
	s := &tabs{Sim: harness.NewSimFor(t, devices[0], limit, devices[1:]...)}
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

// at returns the simulator's origin with another name of this machine, which makes it another site for the browser.
func (s *tabs) at(host string) string { return strings.Replace(s.URL, "127.0.0.1", host, 1) }

// tabReady is the condition that tabsPage has loaded.
const tabReady = "document.title === 'ready'"

// tab opens a tab with tabsPage on a host.
func (s *tabs) tab(host string) *harness.Browser {
	b := s.browser.NewTab()
	b.Do(chromedp.Navigate(s.at(host) + "/tab"))
	b.WaitUntil(tabReady)
	return b
}

// run runs a job in a tab and returns how it ended.
func run(b *harness.Browser, job string) jobEnd {
	b.T.Helper()
	return harness.Eval[jobEnd](b, "run(async () => { "+job+" })")
}

// full returns all where IMKEY_FULL is set, and otherwise sample.
func full(sample, all int) int {
	if os.Getenv("IMKEY_FULL") != "" {
		return all
	}
	return sample
}
