package e2e

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

const (
	filePassphrase  = "a passphrase of six words, or so"
	wrongPassphrase = "a passphrase of seven words, or so"
)

// sdk loads the SDK in the page as window.key, trusting the simulator's CA.
func (b *browser) sdk() {
	b.t.Helper()
	b.open("/")
	b.run(`const { loadImKey } = await import('/imkey.js')
		window.key = await loadImKey({ trustedCAs: ['` + hex.EncodeToString(b.sim.device.CA()) + `'] })
		window.changes = 0
		key.addEventListener('knownchange', () => { changes++ })
		window.tell = async f => { try { return { value: await f() } } catch (e) { return { code: e.code, reason: e.data?.reason, message: e.message } } }
		window.base64 = bytes => btoa(String.fromCharCode(...bytes))
		window.bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))`)
}

// told is how a call of the SDK ended.
type told struct {
	Value                 json.RawMessage
	Code, Reason, Message string
}

func (b *browser) tells(call string) told {
	b.t.Helper()
	return eval[told](b, "tell(async () => "+call+")")
}

// A person moves: the binding is exported in one browser and imported in another, which then signs without the code.
func TestABindingMovesToAnotherBrowser(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{Approve: device.Yes, Mnemonic: strings.Repeat("abandon ", 11) + "about"})
	b := s.browse(browserOptions{})
	b.sdk()
	b.run("window.device = (await key.getDevices())[0]; await device.open(); await device.showBindingCode()")
	code := s.code()
	b.run("await device.bind('" + code + "')")
	seid := eval[string](b, "device.info.seid")
	b.run("await key.rename('" + seid + "', ' Savings ')")
	require.Equal(t, "Savings", eval[string](b, "device.info.name"))
	require.True(t, eval[bool](b, "device.info.boundAt instanceof Date && changes >= 3"))
	require.Equal(t, "invalid-argument", b.tells("key.exportBinding('"+seid+"', 'short')").Code)
	file := eval[string](b, `(async () => {
		const start = performance.now()
		const file = base64(await key.exportBinding('`+seid+`', '`+filePassphrase+`'))
		window.took = performance.now() - start
		return file
	})()`)
	t.Logf("exported in %.1f s", eval[float64](b, "took")/1000)
	require.True(t, eval[bool](b, "performance.getEntriesByType('resource').some(e => e.name.endsWith('/imkey-backup.js'))"),
		"in a worker, so that the page goes on meanwhile")
	left := b.heard()
	b.close()

	b = s.browse(browserOptions{})
	b.sdk()
	require.Equal(t, "[]", string(b.tells("key.knownDevices()").Value))
	b.run("window.file = bytes('" + file + "')")
	require.Equal(t, "wrong-passphrase", b.tells("key.importBinding(file, '"+wrongPassphrase+"')").Code)
	damaged := b.tells("key.importBinding(file.slice(0, -1), '" + filePassphrase + "')")
	require.Equal(t, []string{"file-invalid", "damaged"}, []string{damaged.Code, damaged.Reason})
	require.Equal(t, "[]", string(b.tells("key.knownDevices()").Value), "what fails leaves nothing")
	require.Zero(t, eval[int](b, "changes"))

	type knownDevice struct {
		SEID, Serial, Name, State, Certificate string
		CodeKept                               bool
	}
	var known knownDevice
	imported := b.tells(`{
		const start = performance.now()
		const known = await key.importBinding(file, '` + filePassphrase + `', { seid: '` + seid + `' })
		window.took = performance.now() - start
		return known
	}`)
	require.Empty(t, imported.Code, imported.Message)
	require.NoError(t, json.Unmarshal(imported.Value, &known))
	t.Logf("imported in %.1f s", eval[float64](b, "took")/1000)
	require.Equal(t, 1, eval[int](b, "changes"))
	require.Equal(t, []string{seid, s.device.Status().Serial, "Savings", "imported", "verified"},
		[]string{known.SEID, known.Serial, known.Name, known.State, known.Certificate})
	require.True(t, known.CodeKept)

	b.run("window.device = (await key.getDevices())[0]; await device.open()")
	require.True(t, eval[bool](b, "device.info.boundAt === null"), "nobody says bound before the device does")
	require.Equal(t, "bound", eval[string](b, "device.bindingStatus()"))
	require.True(t, eval[bool](b, "device.info.boundAt instanceof Date"))
	signed := b.tells("(await device.ethereum.signMessage('moved')).signature")
	require.Empty(t, signed.Code, signed.Message)
	require.Len(t, string(signed.Value), 2+2+130)
	require.Equal(t, "bound", eval[string](b, "key.knownDevices().then(([k]) => k.state)"))
	again := b.tells("key.importBinding(file, '" + filePassphrase + "')")
	require.Equal(t, "record-exists", again.Code)
	require.Equal(t, "bound", eval[string](b, "key.knownDevices().then(([k]) => k.state)"))

	for _, secret := range []string{filePassphrase, wrongPassphrase, code} {
		require.Empty(t, search(secret, []byte(eval[string](b, gatheredJS+".then(JSON.stringify)"))), "in the page")
		for place, data := range map[string][]byte{"the first browser's log and network": left, "the second's": b.heard(), "the file": []byte(file)} {
			require.Empty(t, search(secret, data), place)
		}
	}
}
