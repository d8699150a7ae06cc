//go:build !js

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// script starts the module as the SDK's loader does, and prints its observations.
const script = `
const [support, wasm] = process.argv.slice(1);
require(support);
const before = new Set(Reflect.ownKeys(globalThis));
(async () => {
	const go = new Go(), name = "start-" + Math.random();
	const core = await new Promise(async (resolve, reject) => {
		Object.defineProperty(globalThis, name, { configurable: true, enumerable: false, value: resolve });
		go.argv = ["imkey", name];
		const { instance } = await WebAssembly.instantiate(require("fs").readFileSync(wasm), go.importObject);
		go.run(instance).then(() => reject(new Error("it ended")), reject);
		console.log(name in globalThis ? "the name stays" : "the name is gone");
	});
	console.log("left behind:", Reflect.ownKeys(globalThis).filter(k => !before.has(k)).length);
	console.log(Object.keys(core).sort().join(" "));
	class E extends Error {}
	core.init({ makeError: (code, message) => Object.assign(new E(message), { code }) });
	await core.open({}, {}).then(() => console.log("opened"), e => console.log(e instanceof E, e.code));
	process.exit(0);
})();
`

// TestHandshake builds the module and starts it under node.
func TestHandshake(t *testing.T) {
	wasm := filepath.Join(t.TempDir(), "imkey.wasm")
	build := exec.Command("go", "build", "-trimpath", "-gcflags=all=-l", "-ldflags=-s -w", "-o", wasm, ".")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	root, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	support := filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js")
	out, err = exec.Command("node", "-e", script, support, wasm).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "the name is gone\nleft behind: 0\ndescribe forget init known memory open rename reread suspend\ntrue invalid-argument\n", string(out))

	// The names for Go's tracebacks say what is linked. A dependency imports encoding/json, which must stay dead code except for its
	// initialisation.
	b, err := os.ReadFile(wasm)
	require.NoError(t, err)
	linked := func(name string) bool { return bytes.Contains(b, []byte("\x00"+name)) }
	require.True(t, linked("context.WithCancel"), "names are found")
	for _, name := range []string{"encoding/json.Marshal", "encoding/json.Unmarshal", "encoding/json.(*decodeState)", "net/http.", "regexp.",
		"crypto/x509.", "log/slog."} {
		require.False(t, linked(name), "%s is linked", name)
	}
}
