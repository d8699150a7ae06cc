package management

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// importAgain imports a file in place of the binding that this browser has, and connects.
func importAgain(b *harness.Browser, name string, file []byte) {
	b.T.Helper()
	b.Open("/")
	b.WaitForKnownBound()
	b.Press("import")
	b.WaitForState("import")
	importBinding(b, name, file, passphrase)
	b.WaitForState("import-exists")
	b.Press("replace-now")
	b.WaitForTextIn("[data-state=known] .message", "management.imported")
	b.RequireText("management.fromFile")
	b.Press("connect-known")
}

// TestMakeANewKey makes a new app key for a bound device. The binding goes on with it, after a wrong code and a reload too, and a file
// with the old key is worthless.
func TestMakeANewKey(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	code := b.Bind()
	name, file := exportBinding(b)
	b.Press("back")
	b.WaitForState("bound")

	b.UnfoldManagement()
	b.RequireText("pairing.renewKeyText")
	b.Press("renew-key")
	b.WaitForState("code")
	b.RequireText("pairing.renewKey")
	b.RequireText("pairing.renewKeyLead")
	b.RequireText("pairing.renewNow")
	b.EnterCode(harness.WrongCode(code))
	b.WaitForState("wrong")
	b.RequireText("pairing.renewKeyLead")
	b.EnterCode(code)
	b.WaitForMessage("pairing.renewed")
	require.True(t, harness.Eval[bool](b, "document.activeElement.matches('.manage .message')"), "the focus is on what was done")
	require.True(t, s.IsBound())

	b.Open("/")
	b.Press("connect")
	b.WaitForState("bound")
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())

	importAgain(b, name, file)
	b.WaitForState("bound") // the browser kept the new key, by which alone the device knows it

	// Where the file is all that is left, it is worthless.
	b.UnfoldManagement()
	b.Press("forget")
	b.WaitForState("forget")
	b.Press("forget-now")
	b.WaitForState("start")
	b.Press("import")
	b.WaitForState("import")
	importBinding(b, name, file, passphrase)
	b.WaitForTextIn("[data-state=known] .message", "management.imported")
	b.Press("connect-known")
	b.WaitForState("rebound")
	b.Press("go-on")
	b.WaitForState("elsewhere")
	b.Press("go-on")
	b.WaitForState("code")
	b.EnterCode(code)
	b.WaitForState("bound")

	// Stopping half-way leaves the binding as it is.
	b.UnfoldManagement()
	b.Press("renew-key")
	b.WaitForState("code")
	b.Press("stop")
	b.WaitForState("start")
	b.Press("connect")
	b.WaitForState("bound")
}

// TestAcceptAnImportedDevice imports the binding of a device that cannot be verified. That another user of the file accepted the device
// does not count: this user is asked, and nothing is revealed before.
func TestAcceptAnImportedDevice(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	s.HideSimulator()
	accept := func() {
		b.WaitForState("unverified")
		b.Press("go-on") // without the tick
		b.WaitForText("pairing.unverifiedTick")
		b.Run(`document.querySelector('[data-control="accept"]').click()`)
		b.Press("go-on")
	}
	b.Open("/")
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	accept()
	b.WaitForState("code")
	code := s.Device.Code()
	b.EnterCode(code)
	b.WaitForState("bound")
	b.RequireText("pairing.acceptedUnverified")
	name, file := exportBinding(b)

	// The browser forgets the device, so that only the file knows it.
	b.Press("back")
	b.WaitForState("bound")
	b.UnfoldManagement()
	b.Press("forget")
	b.WaitForState("forget")
	b.Press("forget-now")
	b.WaitForState("start")
	b.Press("import")
	b.WaitForState("import")
	importBinding(b, name, file, passphrase)
	b.WaitForTextIn("[data-state=known] .message", "management.imported")
	b.Open("/")
	b.WaitForKnown("management.importedHere")

	b.Press("connect")
	b.WaitForState("unverified")
	b.RequireText("pairing.unverifiedImported")
	b.Press("stop")
	b.WaitForState("start")
	b.WaitForKnown("management.importedHere")
	b.Press("connect")
	accept()
	b.WaitForState("bound")
	b.RequireText("pairing.acceptedUnverified")
	b.UnfoldManagement()
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())

	b.Open("/")
	b.WaitForKnownBound()
	b.Press("connect")
	b.WaitForState("bound")
}
