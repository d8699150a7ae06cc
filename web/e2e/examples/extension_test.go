package examples

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/simtest"
)

// TestExtension loads the wallet extension with the device on the browser's own USB: it binds the device in its tab, chooses an account of a
// page, signs, shows its account in another tab, and forgets the device.
func TestExtension(t *testing.T) {
	t.Parallel()
	e := copied(t, "extension")
	e.run("tar xzf path/to/imkey-connect/build/imkey-connect-0.1.0.tgz && mv package sdk")
	id := withKey(t, filepath.Join(e.dir, "manifest.json"))
	origin := "chrome-extension://" + id
	sim := simtest.Start(t, device.Options{Mnemonic: mnemonic})
	sim.Launch(chromium.Options{Permissions: sim.Permissions(origin), Args: []string{"--load-extension=" + e.dir}})

	page := sim.Page(origin + "/page.html")
	page.Click("#connect")
	code := sim.Device.Code()
	page.Type("#code", code)
	page.Click("#accept")
	page.Type("#code", "\n")
	sim.Device.Bound()
	page.Wait("#pair[hidden]")

	page.Click("#choose")
	page.Wait("#choices button")
	require.Regexp(t, "(?i)"+address, page.Text("#choices button"))
	page.Click("#choices button")
	page.Wait("#accounts li")
	require.Regexp(t, "(?i)"+address, page.Text("#accounts"))

	page.Type("#text", "hello")
	page.Eval(`document.querySelector('#sign').requestSubmit()`)
	require.Contains(t, sim.Device.Approve(), "hello")
	shows(page, "0x[0-9a-f]{130}")

	page = sim.Page(origin + "/page.html")
	page.Wait("#accounts li")
	page.Click("#forget")
	shows(page, "Forgotten")
	require.InDelta(t, 0, page.Eval(`document.querySelectorAll('#accounts li').length`), 0)
}

// withKey gives the manifest a key, and returns the id that follows from it: the first 16 bytes of its SHA-256, with the letters a to p as
// digits.
func withKey(t *testing.T, name string) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	require.NoError(t, err)
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	var manifest map[string]any
	require.NoError(t, json.Unmarshal(data, &manifest))
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
