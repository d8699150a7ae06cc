package published

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/evanw/esbuild/pkg/api"
	"github.com/stretchr/testify/require"

	"imkey-connect/web/e2e/bench"
	"imkey-connect/web/e2e/harness"
)

const (
	slowChoice = "10 Mbit/s and 40 ms: choice of the device to code entry, chosen at once"
	slowUsual  = "10 Mbit/s and 40 ms: choice of the device to code entry, chosen after 2 s"
	slowFirst  = "10 Mbit/s and 40 ms: import to the first answer of the device"
)

// slow gives the page a line of 10 Mbit/s with 40 ms to the first byte.
func slow(b *harness.Browser) {
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{Latency: 40, DownloadThroughput: 10e6 / 8, UploadThroughput: 10e6 / 8}},
		})
		return err
	}))
}

// waiting measures what a user waits for at a first visit on a slow line. The chooser is replaced by a wait; the device answers at once. The
// vendor's client is loaded with the page and does not bind: its first answer is an account.
func (m *meter) waiting() {
	for range m.starts {
		for name, wait := range map[string]int{slowChoice: 0, slowUsual: 2000} {
			b := m.StartBrowser(harness.BrowserOptions{})
			b.Do(chromedp.Navigate(m.URL + "/bench/"))
			slow(b)
			times := harness.Eval[[]float64](b, fmt.Sprintf(`(async () => {
				const began = performance.now()
				const { loadImKey } = await import('/imkey.js')
				const imkey = await loadImKey({ trustedCAs: [%q] })
				let chosen = 0
				navigator.usb.requestDevice = async () => {
					await new Promise((done) => setTimeout(done, %d))
					const [device] = await navigator.usb.getDevices()
					chosen = performance.now()
					return device
				}
				const device = await imkey.requestDevice()
				await device.open()
				const opened = performance.now()
				await device.bindingStatus()
				await device.showBindingCode()
				return [performance.now() - chosen, opened - began]
			})()`, m.Device.CA(), wait))
			m.add(name, "ms", 0, bench.Ours, times[0])
			if wait == 0 {
				m.add(slowFirst, "ms", 0, bench.Ours, times[1])
			}
			b.Close()
			require.NoError(m.t, m.Device.Simulated.Home())
		}
		m.Device.Simulated.AllowUnbound(true)
		b := m.StartBrowser(harness.BrowserOptions{})
		b.Do(chromedp.Navigate(m.URL + "/bench/"))
		slow(b)
		m.add(slowFirst, "ms", 0, vendor, harness.Eval[float64](b, `(async () => {
			const began = performance.now()
			await (await import('/bench/vendor/entry.js')).ready()
			await client.enable()
			return performance.now() - began
		})()`))
		b.Close()
		m.Device.Simulated.AllowUnbound(false)
	}
	m.note(slowChoice, vendor, "it does not bind")
}

// hashing compares the digests of requests with ethers and noble, in the same page and without a device.
func (m *meter) hashing() {
	built := api.Build(api.BuildOptions{
		Stdin: &api.StdinOptions{ResolveDir: harness.RepoPath("core/ethereum/oracle"), Contents: `
			import { TypedDataEncoder, hashMessage } from 'ethers'
			import { keccak_256 } from '@noble/hashes/sha3'
			export { TypedDataEncoder, hashMessage, keccak_256 }`},
		Bundle: true, Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022, MinifySyntax: true, MinifyWhitespace: true,
		Outfile: "hashes.js", LogLevel: api.LogLevelSilent,
	})
	require.Empty(m.t, built.Errors)
	m.serve("hashes", []api.OutputFile{{Path: "hashes.js", Contents: built.OutputFiles[0].Contents}})
	b := m.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Do(chromedp.Navigate(m.URL + "/bench/"))
	b.Run(`
		const { loadImKey } = await import('/imkey.js')
		const hashes = await import('/bench/hashes/hashes.js')
		const imkey = await loadImKey()
		const item = { to: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC', amount: '123456789', note: 'x'.repeat(60), data: '0x' + 'ab'.repeat(100) }
		const typed = {
			domain: { name: 'bench', version: '1', chainId: 1 },
			types: { EIP712Domain: [{ name: 'name', type: 'string' }, { name: 'version', type: 'string' }, { name: 'chainId', type: 'uint256' }], Item: [{ name: 'to', type: 'address' }, { name: 'amount', type: 'uint256' }, { name: 'note', type: 'string' }, { name: 'data', type: 'bytes' }],
				Order: [{ name: 'items', type: 'Item[]' }] },
			primaryType: 'Order',
			message: { items: Array.from({ length: 250 }, () => item) },
		}
		const { digest } = await imkey.ethereum.describeTypedData(typed)
		const { EIP712Domain: _, ...types } = typed.types // ethers derives it
		const theirs = hashes.TypedDataEncoder.hash(typed.domain, types, typed.message)
		if (digest !== theirs) throw new Error(digest + ' and not ' + theirs)
		const text = 'y'.repeat(60_000)
		const prefixed = new TextEncoder().encode('\x19Ethereum Signed Message:\n60000' + text)
		const hex = (bytes) => '0x' + Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
		const message = (await imkey.ethereum.describeMessage(text)).digest
		if (message !== hex(hashes.keccak_256(prefixed))) throw new Error(message)
		Object.assign(globalThis, { imkey, hashes, typed, types, text, prefixed, size: JSON.stringify(typed).length })`)
	name := fmt.Sprintf("digest of typed data, %d kB of JSON", harness.Eval[int](b, "size")/1000)
	for who, expressions := range map[string][2]string{
		bench.Ours: {"imkey.ethereum.describeTypedData(typed)", "imkey.ethereum.describeMessage(text)"},
		"ethers 6": {"hashes.TypedDataEncoder.hash(typed.domain, types, typed.message)", "hashes.hashMessage(text)"},
		"noble":    {"", "hashes.keccak_256(prefixed)"},
	} {
		for i, measure := range []string{name, "digest of a message of 60 kB"} {
			if expressions[i] == "" {
				continue
			}
			for n := range m.runs + 3 {
				ms := harness.Eval[float64](b, `(async () => { const began = performance.now(); await (`+expressions[i]+`); return performance.now() - began })()`)
				if n >= 3 { // after it was compiled well
					m.add(measure, "ms", 0, who, ms)
				}
			}
		}
	}
	b.Close()
}

// devices adds what TestDevicesSignAtOnce in devicesim/simtest measured, if it ran before.
func (m *meter) devices(folder string) {
	text, err := os.ReadFile(filepath.Join(folder, "devices.json"))
	if os.IsNotExist(err) {
		return
	}
	require.NoError(m.t, err)
	var measured struct {
		X           []float64
		MS, Packets [][]float64
	}
	require.NoError(m.t, json.Unmarshal(text, &measured))
	m.Growth = append(m.Growth, bench.Growth{Name: "devices that sign at once", Unit: "ms for a signature of each", X: measured.X, Runs: measured.MS})
	last := len(measured.X) - 1
	m.add(fmt.Sprintf("simulator, %g devices sign at once", measured.X[last]), "packets per second and core", 0, bench.Ours, measured.Packets[last]...)
}

// memory measures the memory of the browser's pages over many signatures.
func (m *meter) memory(b *harness.Browser) {
	signatures := 1000
	if m.Quick {
		signatures = 100
	}
	half := fmt.Sprintf("for (let n = 0; n < %d; n++) await device.ethereum.signMessage('hello ' + n)", signatures/2)
	b.Run(half)
	before := pageMemory(b)
	b.Run(half)
	m.add(fmt.Sprintf("memory of the page after %d signatures", signatures/2), "MB", 0, bench.Ours, before)
	m.add(fmt.Sprintf("memory of the page after %d signatures", signatures), "MB", 0, bench.Ours, pageMemory(b))
}

// pageMemory returns the resident memory of all pages of a browser, in MB.
func pageMemory(b *harness.Browser) float64 {
	parents, lines := map[int]int{}, map[int]string{}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(b.T, err)
	for _, file := range all {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it ended
		}
		pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
		_, rest, _ := strings.Cut(string(stat), ") ")
		parents[pid], _ = strconv.Atoi(strings.Fields(rest)[1])
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		lines[pid] = string(line)
	}
	total := 0.0
	for pid, line := range lines {
		if !strings.Contains(line, "--type=renderer") {
			continue
		}
		of := pid
		for of > 1 && !strings.Contains(lines[of], b.Profile) {
			of = parents[of]
		}
		if of <= 1 {
			continue
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		require.NoError(b.T, err)
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		kB, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
		require.NoError(b.T, err)
		total += kB / 1000
	}
	return total
}
