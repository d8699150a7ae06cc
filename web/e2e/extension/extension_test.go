// Package extension_test tests the SDK in a browser extension.
package extension_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/simtest"
)

// TestAnExtensionEmbedsTheSDK tests what docs/extensions.md says: the extension of that page, with the built SDK in it, binds
// the device in a tab and finds it bound in an offscreen document. In a service worker, and under a policy without
// 'wasm-unsafe-eval', the SDK fails as the page says.
func TestAnExtensionEmbedsTheSDK(t *testing.T) {
	t.Parallel()
	folder := extension(t)
	worker, err := os.OpenFile(filepath.Join(folder, "worker.js"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = worker.WriteString(`
		import { told } from './told.js'
		chrome.runtime.onMessage.addListener((message, sender, respond) => {
			if (message !== 'in the worker') return
			told().then(respond)
			return true
		})`)
	require.NoError(t, err)
	require.NoError(t, worker.Close())
	write := func(name, script string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(script), 0o600))
	}
	// What the SDK says of itself in a worker, and what becomes of each use of it.
	write("told.js", `
		import { createProvider, isSupported, loadImKey } from './sdk/imkey.js'
		const outcome = (promise) => promise.then(() => 'works', ({ code, data }) => [code, data?.code, data?.reason].filter(Boolean).join(' '))
		export const told = async () => ({
			supported: isSupported().reason ?? 'supported',
			open: await outcome(loadImKey().then((imkey) => imkey.getDevices()).then(async ([device]) => {
				await device.open()
				await device.close()
			})),
			own: await outcome(loadImKey({ usb: navigator.usb }).then((imkey) => imkey.getDevices()).then(async ([device]) => {
				await device.open()
				await device.close()
			})),
			choose: await outcome(loadImKey({ usb: navigator.usb }).then((imkey) => imkey.requestDevice())),
			request: await outcome(createProvider({ chains: [{ chainId: 1, rpcUrls: ['https://a.example'] }] }).request({ method: 'eth_accounts' })),
		})`)
	write("dedicated.js", `
		import { told } from './told.js'
		told().then(postMessage)`)
	write("shared.js", `
		import { told } from './told.js'
		onconnect = ({ ports: [port] }) => told().then((all) => port.postMessage(all))`)
	id := changeManifest(t, folder, func(manifest map[string]any) {
		manifest["background"] = map[string]any{"service_worker": "worker.js", "type": "module"} // for the import
	})
	strict := extension(t)
	strictID := changeManifest(t, strict, func(manifest map[string]any) { delete(manifest, "content_security_policy") })

	sim := simtest.Start(t)
	origin, strictOrigin := "chrome-extension://"+id, "chrome-extension://"+strictID
	sim.Launch(chromium.Options{
		Permissions: sim.Permissions(origin, strictOrigin), Args: []string{"--load-extension=" + folder + "," + strict},
	})

	page := sim.Page(strictOrigin + "/page.html")
	page.Click("#connect")
	require.Contains(t, page.Text("#said"), "'wasm-unsafe-eval'")

	page = sim.Page(origin + "/page.html")
	page.Click("#connect")
	code := sim.Device.Code()
	page.Type("#code", code+"\n")
	require.Contains(t, page.Text("#said"), "cannot be verified")
	require.Equal(t, "code-shown", sim.Device.Status().Binding)
	page.Click("#accept")
	page.Type("#code", "\n")
	sim.Device.Bound()
	page.Wait("#pair[hidden]")
	require.Equal(t, "Bound.", page.Text("#said"))

	ask := func(message string) any { return page.Eval(`chrome.runtime.sendMessage('` + message + `')`) }
	none := "unsupported service-worker"
	require.Equal(t, map[string]any{
		"supported": "service-worker", "open": none, "own": none, "choose": "unsupported no-page", "request": "-32603 " + none,
	}, ask("in the worker"))
	require.Equal(t, map[string]any{
		"supported": "supported", "open": "works", "own": "works", "choose": "unsupported no-page", "request": "works",
	}, page.Eval(`new Promise((done) => { new Worker('dedicated.js', { type: 'module' }).onmessage = ({ data }) => done(data) })`))
	require.Equal(t, map[string]any{
		"supported": "no-webusb", "open": "unsupported no-webusb", "own": "unsupported no-webusb", "choose": "unsupported no-webusb", "request": "works",
	}, page.Eval(`new Promise((done) => { new SharedWorker('shared.js', { type: 'module' }).port.onmessage = ({ data }) => done(data) })`))
	require.Equal(t, "started", ask("start"))
	require.Equal(t, map[string]any{"status": "bound"}, ask("status"))
}

// extension writes the extension of docs/extensions.md, with the built SDK in it, to a folder.
func extension(t *testing.T) string {
	text, err := os.ReadFile("../../../docs/extensions.md")
	require.NoError(t, err)
	folder := t.TempDir()
	blocks := regexp.MustCompile("(?s)`([\\w.-]+)`:\n\n```\\w+\n(.*?)```").FindAllSubmatch(text, -1)
	require.Len(t, blocks, 6)
	for _, b := range blocks {
		require.NoError(t, os.WriteFile(filepath.Join(folder, string(b[1])), b[2], 0o600))
	}
	require.NoError(t, os.CopyFS(filepath.Join(folder, "sdk"), os.DirFS("../../dist")))
	return folder
}

// changeManifest changes an extension's manifest and gives it a key. It returns the id that follows from the key: the first
// 16 bytes of its SHA-256, with the letters a to p as digits.
func changeManifest(t *testing.T, folder string, change func(map[string]any)) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	name := filepath.Join(folder, "manifest.json")
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	var manifest map[string]any
	require.NoError(t, json.Unmarshal(data, &manifest))
	change(manifest)
	manifest["key"] = base64.StdEncoding.EncodeToString(spki)
	data, err = json.Marshal(manifest)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(name, data, 0o600))
	id := make([]byte, 0, 32)
	for _, b := range sha256.Sum256(spki) {
		if len(id) < 32 {
			id = append(id, 'a'+b>>4, 'a'+b&15)
		}
	}
	return string(id)
}
