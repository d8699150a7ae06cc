package management

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

const (
	filePassphrase  = "a passphrase of six words, or so"
	wrongPassphrase = "a passphrase of seven words, or so"
)

// loadSDK loads the SDK in the page as window.key, with the simulator's CA as its trusted CA.
func loadSDK(b *harness.Browser) {
	b.T.Helper()
	b.Open("/")
	b.Run(`const { loadImKey } = await import('/imkey.js')
		window.key = await loadImKey({ trustedCAs: ['` + b.Sim.Device.CA() + `'] })
		window.changes = 0
		key.addEventListener('knownchange', () => { changes++ })
		window.tell = async f => { try { return { value: await f() } } catch (e) { return { code: e.code, reason: e.data?.reason, message: e.message } } }
		window.base64 = bytes => btoa(String.fromCharCode(...bytes))
		window.bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))`)
}

// result is how a call of the SDK ended.
type result struct {
	Value                 json.RawMessage
	Code, Reason, Message string
}

// call calls the SDK in the page and returns how the call ended.
func call(b *harness.Browser, call string) result {
	b.T.Helper()
	return harness.Eval[result](b, "tell(async () => "+call+")")
}

// TestExportAndImportWithTheSDK exports a binding with the SDK in one browser and imports it in another, which then signs
// without the code.
func TestExportAndImportWithTheSDK(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{Approve: device.Yes, Mnemonic: strings.Repeat("abandon ", 11) + "about"})
	b := s.StartBrowser(harness.BrowserOptions{})
	loadSDK(b)
	b.Run("window.device = (await key.getDevices())[0]; await device.open(); await device.showBindingCode()")
	code := s.Device.Code()
	b.Run("await device.bind('" + code + "')")
	seid := harness.Eval[string](b, "device.info.seid")
	b.Run("await key.rename('" + seid + "', ' Savings ')")
	require.Equal(t, "Savings", harness.Eval[string](b, "device.info.name"))
	require.True(t, harness.Eval[bool](b, "device.info.boundAt instanceof Date && changes >= 3"))
	require.Equal(t, "invalid-argument", call(b, "key.exportBinding('"+seid+"', 'short')").Code)
	file := harness.Eval[string](b, `(async () => {
		const start = performance.now()
		const file = base64(await key.exportBinding('`+seid+`', '`+filePassphrase+`'))
		window.took = performance.now() - start
		return file
	})()`)
	t.Logf("exported in %.1f s", harness.Eval[float64](b, "took")/1000)
	require.True(t, harness.Eval[bool](b, "performance.getEntriesByType('resource').some(e => e.name.endsWith('/imkey-backup.js'))"),
		"the work is done in a worker")
	left := b.Recorded()
	b.Close()

	b = s.StartBrowser(harness.BrowserOptions{})
	loadSDK(b)
	require.Equal(t, "[]", string(call(b, "key.knownDevices()").Value))
	b.Run("window.file = bytes('" + file + "')")
	require.Equal(t, "wrong-passphrase", call(b, "key.importBinding(file, '"+wrongPassphrase+"')").Code)
	damaged := call(b, "key.importBinding(file.slice(0, -1), '"+filePassphrase+"')")
	require.Equal(t, []string{"file-invalid", "damaged"}, []string{damaged.Code, damaged.Reason})
	require.Equal(t, "[]", string(call(b, "key.knownDevices()").Value), "an import that fails stores nothing")
	require.Zero(t, harness.Eval[int](b, "changes"))

	type knownDevice struct {
		SEID, Serial, Name, State, Certificate string
		CodeKept                               bool
	}
	var known knownDevice
	imported := call(b, `{
		const start = performance.now()
		const known = await key.importBinding(file, '`+filePassphrase+`', { seid: '`+seid+`' })
		window.took = performance.now() - start
		return known
	}`)
	require.Empty(t, imported.Code, imported.Message)
	require.NoError(t, json.Unmarshal(imported.Value, &known))
	t.Logf("imported in %.1f s", harness.Eval[float64](b, "took")/1000)
	require.Equal(t, 1, harness.Eval[int](b, "changes"))
	require.Equal(t, []string{seid, s.Device.Status().Serial, "Savings", "imported", ""},
		[]string{known.SEID, known.Serial, known.Name, known.State, known.Certificate}, "the file's word for the certificate does not count")
	require.True(t, known.CodeKept)

	b.Run("window.device = (await key.getDevices())[0]; await device.open()")
	require.True(t, harness.Eval[bool](b, "device.info.boundAt === null"), "the binding counts only once the device confirms it")
	require.Equal(t, "bound", harness.Eval[string](b, "device.bindingStatus()"))
	require.True(t, harness.Eval[bool](b, "device.info.boundAt instanceof Date"))
	signed := call(b, "(await device.ethereum.signMessage('moved')).signature")
	require.Empty(t, signed.Code, signed.Message)
	require.Len(t, string(signed.Value), 2+2+130)
	require.Equal(t, "bound verified true", harness.Eval[string](b, "key.knownDevices().then(([k]) => [k.state, k.certificate, k.keyFromFile].join(' '))"))
	again := call(b, "key.importBinding(file, '"+filePassphrase+"')")
	require.Equal(t, "record-exists", again.Code)
	require.Equal(t, "bound", harness.Eval[string](b, "key.knownDevices().then(([k]) => k.state)"))

	for _, secret := range []string{filePassphrase, wrongPassphrase, code} {
		require.Empty(t, harness.SearchSecret(secret, []byte(harness.Eval[string](b, harness.GatherTraces+".then(JSON.stringify)"))), "in the page")
		for place, data := range map[string][]byte{"the first browser's log and network": left, "the second's": b.Recorded(), "the file": []byte(file)} {
			require.Empty(t, harness.SearchSecret(secret, data), place)
		}
	}
}
