package published

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/chromedp/chromedp"
	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/bench"
	"imkey-connect/web/e2e/harness"
)

const vendor = "vendor"

// TestBench measures this project and its peers side by side, and writes the results into the folder IMKEY_BENCH. `make bench` runs it;
// IMKEY_QUICK takes fewer runs. The device is simulated, answers at once, and is in the browser's own navigator.usb.
func TestBench(t *testing.T) {
	folder := os.Getenv("IMKEY_BENCH")
	if folder == "" {
		t.Skip("make bench runs it")
	}
	m := &meter{t: t, runs: 15, starts: 7, Results: bench.Results{Date: time.Now().UTC().Format(time.DateOnly), Quick: os.Getenv("IMKEY_QUICK") != ""}}
	if m.Quick {
		m.runs, m.starts = 5, 1
	}
	m.describe()
	m.Sim = harness.NewSimFor(t, device.Options{Mnemonic: harness.TestPhrase(t), Approve: device.Yes}, 2*time.Hour)
	m.ServeHTML("/bench/{$}", "<!doctype html><title>bench</title>")
	m.Handle("/bench/node", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":"0x1"}`)
	})
	defer func() { require.NoError(t, m.Write(folder)) }() // what was measured before a failure, too
	m.sizes()
	m.starting()
	m.waiting()
	m.hashing()
	m.using()
	m.devices(folder)
	t.Logf("\n%s", m.Markdown())
}

// meter measures.
type meter struct {
	*harness.Sim
	bench.Results
	t            *testing.T
	runs, starts int
	peers        []string // those whose bundle was built
}

func (m *meter) describe() {
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).Output()
		if err != nil {
			return "unknown"
		}
		return strings.TrimSpace(string(out))
	}
	model := ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		_, model, _ = strings.Cut(string(text), "model name")
		model, _, _ = strings.Cut(strings.TrimLeft(model, "\t :"), "\n")
	}
	load, _ := os.ReadFile("/proc/loadavg")
	m.Machine = map[string]string{"processor": model, "cores": fmt.Sprint(runtime.NumCPU()), "system": runtime.GOOS + "/" + runtime.GOARCH, "load": strings.Join(strings.Fields(string(load))[:3], " ")}
	m.Versions = map[string]string{"go": runtime.Version(), "node": run("node", "--version"), "commit": run("git", "rev-parse", "--short", "HEAD")}
	text, err := os.ReadFile(harness.RepoPath("web/e2e/bench/peers/package.json"))
	require.NoError(m.t, err)
	var peers struct{ Dependencies map[string]string }
	require.NoError(m.t, json.Unmarshal(text, &peers))
	for name, version := range peers.Dependencies {
		m.Versions[name] = version
	}
}

// add adds the values of a measure.
func (m *meter) add(name, unit string, least int, who string, values ...float64) {
	for i := range m.Measures {
		if m.Measures[i].Name == name && m.Measures[i].Unit == unit {
			m.Measures[i].Runs[who] = append(m.Measures[i].Runs[who], values...)
			return
		}
	}
	m.Measures = append(m.Measures, bench.Measure{Name: name, Unit: unit, Least: least, Runs: map[string][]float64{who: values}, Notes: map[string]string{}})
}

func (m *meter) note(name, who, why string) {
	for i := range m.Measures {
		if m.Measures[i].Name == name {
			m.Measures[i].Notes[who] = why
		}
	}
}

const (
	beforeClick = "brotli before a click"
	inAll       = "brotli in all until a device is bound"
	coldStart   = "import to ready, cold profile"
	thirdStart  = "import to ready, third visit"
)

// sizes measures what is loaded. It bundles every peer with its consumer in web/e2e/bench/peers, and serves the files below /bench/NAME/.
func (m *meter) sizes() {
	dist := harness.RepoPath("web/dist")
	size := func(name string) float64 {
		info, err := os.Stat(filepath.Join(dist, name+".br"))
		require.NoError(m.t, err)
		return float64(info.Size())
	}
	text, err := os.ReadFile(filepath.Join(dist, "manifest.json"))
	require.NoError(m.t, err)
	var manifest struct{ FirstPairing []string }
	require.NoError(m.t, json.Unmarshal(text, &manifest))
	all := 0.0
	for _, name := range manifest.FirstPairing {
		all += size(strings.TrimPrefix(name, "/"))
	}
	m.add(beforeClick, "bytes", 0, bench.Ours, size("imkey.js"))
	m.add(inAll, "bytes", 0, bench.Ours, all)
	m.bundle(bench.Ours, vendor, "ledger", "trezor", "bitbox", "gridplus")
	m.note(inAll, vendor, "it does not bind")
}

// bundle bundles peers, measures their sizes and serves them.
func (m *meter) bundle(names ...string) {
	for _, name := range names {
		if name == bench.Ours { // it is imported as a site serves it
			m.serve(name, []api.OutputFile{{Path: "entry.js", Contents: m.source(name)}})
			m.peers = append(m.peers, name)
			continue
		}
		built := api.Build(api.BuildOptions{
			EntryPointsAdvanced: []api.EntryPoint{{InputPath: name + ".js", OutputPath: "entry"}},
			Bundle:              true,
			Format:              api.FormatESModule,
			Platform:            api.PlatformBrowser,
			Target:              api.ES2022,
			Splitting:           true,
			MinifySyntax:        true, MinifyWhitespace: true, MinifyIdentifiers: true,
			Define:        map[string]string{"process.env.NODE_ENV": `"production"`, "global": "globalThis", "process.env": "{}"},
			Plugins:       []api.Plugin{webAssembly},
			Outdir:        "/bench",
			AbsWorkingDir: harness.RepoPath("web/e2e/bench/peers"),
			Metafile:      true,
			LogLevel:      api.LogLevelSilent,
		})
		if len(built.Errors) > 0 {
			m.note(beforeClick, name, "esbuild does not bundle it for a browser: "+built.Errors[0].Text)
			continue
		}
		first := static(m.t, built.Metafile)
		before, all := 0.0, 0.0
		for i, file := range built.OutputFiles {
			built.OutputFiles[i].Path = path.Base(filepath.ToSlash(file.Path))
			n := float64(len(compressed(file.Contents)))
			all += n
			if first[built.OutputFiles[i].Path] {
				before += n
			}
		}
		m.add(beforeClick, "bytes", 0, name, before)
		m.add(inAll, "bytes", 0, name, all)
		m.serve(name, built.OutputFiles)
		m.peers = append(m.peers, name)
	}
}

func (m *meter) source(name string) []byte {
	text, err := os.ReadFile(harness.RepoPath("web/e2e/bench/peers/" + name + ".js"))
	require.NoError(m.t, err)
	return text
}

// static returns the outputs that the entry imports when it is loaded, itself included. A file that WebAssembly needs counts.
func static(t *testing.T, metafile string) map[string]bool {
	var meta struct {
		Outputs map[string]struct {
			EntryPoint string
			Imports    []struct{ Path, Kind string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(metafile), &meta))
	found := map[string]bool{}
	var visit func(string)
	visit = func(name string) {
		if found[path.Base(name)] {
			return
		}
		found[path.Base(name)] = true
		for _, i := range meta.Outputs[name].Imports {
			if i.Kind != "dynamic-import" {
				visit(i.Path)
			}
		}
	}
	for name := range meta.Outputs {
		if path.Base(name) == "entry.js" {
			visit(name)
		}
	}
	return found
}

func compressed(b []byte) []byte {
	var out bytes.Buffer
	w := brotli.NewWriterLevel(&out, brotli.BestCompression)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

// serve serves files as a site does: compressed, and unchanged for a year.
func (m *meter) serve(name string, files []api.OutputFile) {
	for _, file := range files {
		small := compressed(file.Contents)
		m.Handle("/bench/"+name+"/"+file.Path, func(w http.ResponseWriter, r *http.Request) {
			kind := "text/javascript"
			if strings.HasSuffix(file.Path, ".wasm") {
				kind = "application/wasm"
			}
			for header, value := range map[string]string{"Content-Type": kind, "Content-Encoding": "br", "Cache-Control": "public, max-age=31536000, immutable"} {
				w.Header().Set(header, value)
			}
			_, _ = w.Write(small)
		})
	}
}

// webAssembly loads modules that are imported as WebAssembly's integration with modules says, which esbuild does not know.
var webAssembly = api.Plugin{Name: "wasm", Setup: func(b api.PluginBuild) {
	b.OnResolve(api.OnResolveOptions{Filter: `\.wasm$`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		full := filepath.Join(a.ResolveDir, a.Path)
		if a.Namespace == "wasm" {
			return api.OnResolveResult{Path: full}, nil
		}
		return api.OnResolveResult{Path: full, Namespace: "wasm"}, nil
	})
	b.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "wasm"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		module, err := os.ReadFile(a.Path)
		if err != nil {
			return api.OnLoadResult{}, err
		}
		exports, imports := names(module)
		var text, given strings.Builder
		fmt.Fprintf(&text, "import url from %q\n", "./"+filepath.Base(a.Path))
		for i, name := range imports {
			fmt.Fprintf(&text, "import * as i%d from %q\n", i, name)
			fmt.Fprintf(&given, "%q: i%d,", name, i)
		}
		fmt.Fprintf(&text, "const { instance: { exports } } = await WebAssembly.instantiateStreaming(fetch(new URL(url, import.meta.url)), { %s })\n", given.String())
		for _, name := range exports {
			fmt.Fprintf(&text, "export const %s = exports.%s\n", name, name)
		}
		source := text.String()
		return api.OnLoadResult{Contents: &source, ResolveDir: filepath.Dir(a.Path), Loader: api.LoaderJS}, nil
	})
	b.OnLoad(api.OnLoadOptions{Filter: `\.wasm$`, Namespace: "file"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		module, err := os.ReadFile(a.Path)
		source := string(module)
		return api.OnLoadResult{Contents: &source, Loader: api.LoaderFile}, err
	})
}}

// names returns what a module exports, and the modules from which it imports functions, which is all that wasm-bindgen's modules import.
func names(module []byte) (exports, imports []string) {
	number := func(b []byte) (int, []byte) {
		n, length := binary.Uvarint(b) // LEB128
		return int(n), b[length:]
	}
	for b := module[8:]; len(b) > 0; {
		kind := b[0]
		size, rest := number(b[1:])
		section := rest[:size]
		b = rest[size:]
		if kind != 2 && kind != 7 {
			continue
		}
		text := func() string {
			n, rest := number(section)
			section = rest[n:]
			return string(rest[:n])
		}
		count, rest := number(section)
		for section = rest; count > 0; count-- {
			if kind == 7 {
				exports = append(exports, text())
			} else {
				if from := text(); !slices.Contains(imports, from) {
					imports = append(imports, from)
				}
				text()
			}
			_, section = number(section[1:])
		}
	}
	return exports, imports
}

// stay is how long a visit lasts. A browser keeps what it compiled some seconds after it ran.
const stay = 4 * time.Second

// start visits a page and returns the time from the import to the moment when the client can be used, in ms, or -1 if it does not start.
func (m *meter) start(b *harness.Browser, name string) float64 {
	b.Do(chromedp.Navigate(m.URL + "/bench/"))
	return harness.Eval[float64](b, `(async () => {
		const began = performance.now()
		try { await (await import('/bench/`+name+`/entry.js')).ready() } catch (e) { globalThis.failed = String(e?.stack ?? e); return -1 }
		return performance.now() - began
	})()`)
}

// starting measures the start in a new profile, and on the third and later visits.
func (m *meter) starting() {
	for _, name := range m.peers {
		for range m.starts {
			b := m.StartBrowser(harness.BrowserOptions{Unplugged: true})
			cold := m.start(b, name)
			if cold < 0 {
				why := harness.Eval[string](b, "failed")
				m.note(coldStart, name, "it does not start: "+strings.Split(why, "\n")[0])
				b.Close()
				break
			}
			m.add(coldStart, "ms", 0, name, cold)
			time.Sleep(stay)
			m.start(b, name)
			time.Sleep(stay)
			for range 3 {
				m.add(thirdStart, "ms", 0, name, m.start(b, name))
			}
			b.Close()
		}
	}
}

// use runs an expression in the page and adds its packets and its time.
func (m *meter) use(b *harness.Browser, name, who string, least, runs int, expression string) {
	var times []float64
	for n := range runs {
		before := len(m.PacketDirections())
		ms := harness.Eval[float64](b, `(async () => { const began = performance.now(); await (`+expression+`); return performance.now() - began })()`)
		if n == 0 {
			m.add(name, "packets", least, who, float64(len(m.PacketDirections())-before))
		}
		times = append(times, ms)
	}
	if times[0] > 0.5 { // what sends nothing takes no time that a page can measure
		m.add(name, "ms", 0, who, times...)
	}
}

const (
	firstAccount = "first account of a page, device bound"
	sameAgain    = "the same account again"
	signHello    = "personal_sign of hello"
)

// using measures what a page does with a device. The fewest packets are those of TestPackets in devicesim/simtest.
func (m *meter) using() {
	b := m.StartBrowser(harness.BrowserOptions{})
	setup := func() {
		b.Do(chromedp.Navigate(m.URL + "/bench/"))
		b.Run(fmt.Sprintf(`
			const sdk = await import('/imkey.js')
			const trustedCAs = [%q]
			const chains = [{ chainId: 1, rpcUrls: [location.origin + '/bench/node'] }]
			const make = (more) => sdk.createProvider({ chains, trustedCAs, pairing: 'none', ...more })
			const provider = make({})
			const imkey = await sdk.loadImKey({ trustedCAs })
			const [device] = await imkey.getDevices()
			const ask = (provider, method, ...params) => provider.request({ method, params })
			const sign = (provider) => ask(provider, 'personal_sign', '0x68656c6c6f', %q)
			Object.assign(globalThis, { sdk, make, provider, imkey, device, ask, sign, to: %q })`, m.Device.CA(), harness.FirstAddress, harness.SecondAddress))
	}
	setup()
	m.Versions["chromium"] = harness.Eval[string](b, `/Chrome\/([\d.]+)/.exec(navigator.userAgent)[1]`)
	m.use(b, "open() of a device that is not known", bench.Ours, 0, 1, "device.open()")
	b.Run("await device.bindingStatus(); await device.showBindingCode()")
	m.use(b, "pair, with the code", bench.Ours, 10, 1, fmt.Sprintf("device.bind(%q)", m.Device.Code()))
	require.NoError(m.t, m.Device.Simulated.Home())

	for range 2 {
		setup() // a new page
		m.use(b, firstAccount, bench.Ours, 4, 1, "ask(provider, 'eth_requestAccounts')")
		m.use(b, sameAgain, bench.Ours, 0, 1, "ask(provider, 'eth_accounts')")
	}
	m.use(b, signHello, bench.Ours, 6, m.runs, "sign(provider)")
	b.Run("globalThis.released = make({ holdDevice: 0 }); await ask(released, 'eth_requestAccounts')")
	m.use(b, signHello+", device released before", bench.Ours, 6, m.runs, "sign(released)")

	setup()
	m.use(b, "open({ resume: true }) of a known device", bench.Ours, 0, 1, "device.open({ resume: true })")
	b.Run("await device.ethereum.getAccount()")
	m.use(b, "getAccount again", bench.Ours, 0, 1, "device.ethereum.getAccount()")
	m.use(b, "ten accounts", bench.Ours, 40, m.runs, "(async () => { for (let n = 0; n < 10; n++) await device.ethereum.getAccount({ path: `m/44'/60'/${Math.floor(1e6 * Math.random())}'/0/${n}` }) })()")
	m.use(b, "signMessage of hello, device open", bench.Ours, 6, m.runs, "device.ethereum.signMessage('hello')")
	m.use(b, "signTypedData, device open", bench.Ours, 7, m.runs, "device.ethereum.signTypedData("+harness.Mail+")")
	transfer := "{ chainId: 1, nonce: 1, to, gas: 21000, value: 1, "
	for _, tx := range []struct {
		name, more string
		least      int
	}{
		{"transfer of type 0", "gasPrice: 6000000000 }", 8},
		{"transfer of type 1", "gasPrice: 6000000000, accessList: [{ address: to, storageKeys: [] }] }", 8},
		{"transfer of type 2 (EIP-1559)", "maxFeePerGas: 6000000000, maxPriorityFeePerGas: 1000000000 }", 8},
		{"type 4", "maxFeePerGas: 6000000000, maxPriorityFeePerGas: 1000000000, authorizationList: [{ chainId: 1, address: to, nonce: 1, yParity: 0, r: 1, s: 1 }] }", 7},
		{"call with 6,000 bytes", "maxFeePerGas: 6000000000, maxPriorityFeePerGas: 1000000000, data: '0x' + '00'.repeat(6000) }", 156},
		{"call with 65,000 bytes", "maxFeePerGas: 6000000000, maxPriorityFeePerGas: 1000000000, data: '0x' + '00'.repeat(65000) }", 1602},
	} {
		runs := m.runs
		if tx.least > 1000 {
			runs = 2
		}
		m.use(b, tx.name+", device open", bench.Ours, tx.least, runs, "device.ethereum.signTransaction("+transfer+tx.more+")")
	}
	m.grow(b)
	m.memory(b)

	// The vendor's client does not bind, so the device lets it sign without a binding.
	m.Device.Simulated.AllowUnbound(true)
	for range 2 {
		b.Do(chromedp.Navigate(m.URL + "/bench/"))
		b.Run("await (await import('/bench/vendor/entry.js')).ready()")
		m.use(b, firstAccount, vendor, 0, 1, "client.enable()")
		m.use(b, sameAgain, vendor, 0, 1, "client.request({ method: 'eth_accounts' })")
	}
	message := fmt.Sprintf("client.request({ method: 'personal_sign', params: ['hello', %q] })", harness.FirstAddress)
	m.use(b, signHello, vendor, 0, m.runs, message)
}

// grow measures how times grow with the payload, with the number of accounts and with the number of records.
func (m *meter) grow(b *harness.Browser) {
	payload := bench.Growth{Name: "payload of a call, bytes", Unit: "ms", X: []float64{64, 512, 4096, 32768, 65000}}
	accounts := bench.Growth{Name: "accounts at new paths", Unit: "ms", X: []float64{1, 10, 100, 1000}}
	runs := 3
	if m.Quick {
		runs, payload.X, accounts.X = 1, []float64{64, 512, 4096, 32768}, []float64{1, 10, 100}
	}
	measure := func(g *bench.Growth, prepare, expression func(x float64) string) {
		for _, x := range g.X {
			if prepare != nil {
				b.Run(prepare(x))
			}
			var times []float64
			for range runs {
				times = append(times, math.Max(0.1, harness.Eval[float64](b, `(async () => { const began = performance.now(); await (`+expression(x)+`); return performance.now() - began })()`)))
			}
			g.Runs = append(g.Runs, times)
		}
		m.Growth = append(m.Growth, *g)
	}
	measure(&payload, nil, func(x float64) string {
		return fmt.Sprintf("device.ethereum.signTransaction({ chainId: 1, nonce: 1, to, gas: 21000, maxFeePerGas: 1, maxPriorityFeePerGas: 1, data: '0x' + '00'.repeat(%g) })", x)
	})
	measure(&accounts, nil, func(x float64) string {
		return fmt.Sprintf("(async () => { const a = Math.floor(1e6 * Math.random()); for (let n = 0; n < %g; n++) await device.ethereum.getAccount({ path: `m/44'/60'/${a}'/0/${n}` }) })()", x)
	})

	// The other records are copies under made-up ids. They take as long to read as others, although they do not authenticate.
	copies := func(x float64) string {
		return fmt.Sprintf(`
			const wait = (request) => new Promise((resolve, reject) => {
				request.onsuccess = () => resolve(request.result)
				request.onerror = () => reject(request.error)
			})
			const db = await wait(indexedDB.open('imkey-connect'))
			const [own] = (await imkey.knownDevices()).filter((known) => known.state === 'bound').map((known) => known.seid)
			const value = await wait(db.transaction('records').objectStore('records').get(own))
			const all = db.transaction('records', 'readwrite').objectStore('records')
			for (const key of await wait(all.getAllKeys())) if (key !== own) await wait(all.delete(key))
			for (let n = 1; n < %g; n++) await wait(all.put(value, n.toString(16).toUpperCase().padStart(32, '0')))
			db.close()
			if ((await imkey.knownDevices()).length !== %g) throw new Error('not that many records')`, x, x)
	}
	known := bench.Growth{Name: "records, read by knownDevices", Unit: "ms", X: []float64{1, 10, 100, 1000}}
	measure(&known, copies, func(float64) string { return "imkey.knownDevices()" })
	opened := bench.Growth{Name: "records, while a known device is opened", Unit: "ms", X: known.X}
	measure(&opened, copies, func(float64) string {
		return "(async () => { await device.close(); await device.open({ resume: true }) })()"
	})
	b.Run(copies(1))
}
