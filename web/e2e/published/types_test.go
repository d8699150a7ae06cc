package published

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/wire"
	"imkey-connect/web/e2e/harness"
)

// TestTypesOfTheSimulatedUSB checks that the types which the simulator serves beside webusb.js describe the module by its
// address, and that its object can be used as navigator.usb is.
func TestTypesOfTheSimulatedUSB(t *testing.T) {
	t.Parallel()
	response := httptest.NewRecorder()
	wire.Types().ServeHTTP(response, httptest.NewRequest(http.MethodGet, "http://localhost:7380/sim/webusb.d.ts", nil))
	require.Equal(t, http.StatusOK, response.Code)
	modules, sdk := harness.RepoPath("web/node_modules"), harness.RepoPath("web/sdk/types/imkey.d.ts")
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	check := func(line string) string {
		write("page.ts", `
			import { simulatedCAs, simulatedUSB } from 'http://localhost:7380/sim/webusb.js'
			import type { LoadOptions } from '/imkey.js'
			const usb = simulatedUSB('ws://localhost:7380/sim/usb')
			const asTheBrowsers: typeof navigator.usb = usb
			const options: LoadOptions = { usb, trustedCAs: await simulatedCAs() }
			const devices: USBDevice[] = await usb.getDevices()
			usb.close()
			export { asTheBrowsers, options, devices }
			`+line)
		out, err := exec.CommandContext(t.Context(), filepath.Join(modules, ".bin", "tsc"), "-p", dir).CombinedOutput()
		require.Equal(t, err == nil, len(out) == 0, "%s", out)
		return string(out)
	}
	write("webusb.d.ts", response.Body.String())
	write("tsconfig.json", fmt.Sprintf(`{ "files": ["page.ts"], "compilerOptions": { "strict": true, "noEmit": true, "target": "ES2022", "module": "ESNext",
		"moduleResolution": "Bundler", "lib": ["ES2022", "DOM"], "typeRoots": [%q], "types": ["w3c-web-usb"],
		"paths": { "http://localhost:7380/sim/webusb.js": ["./webusb.d.ts"], "/imkey.js": [%q] } } }`, filepath.Join(modules, "@types"), sdk))
	require.Empty(t, check(""))
	require.Contains(t, check("usb.open()"), "page.ts(10,")
	require.Contains(t, check("simulatedUSB(7)"), "page.ts(10,")
	require.Contains(t, check("simulatedCAs(7)"), "page.ts(10,")
}
