package e2e

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// knows waits for what the list of known devices says, and returns it.
func (b *browser) knows(says string) string {
	b.t.Helper()
	b.until(fmt.Sprintf("document.querySelector('.known')?.innerText.includes(%q)", says))
	return eval[string](b, "document.querySelector('.known').innerText")
}

// pressEntry presses the line of a list that says so.
func (b *browser) pressEntry(says string) {
	b.t.Helper()
	b.until(fmt.Sprintf("[...document.querySelectorAll('.entry')].some(e => e.innerText.includes(%q))", says))
	b.run(fmt.Sprintf("[...document.querySelectorAll('.entry')].find(e => e.innerText.includes(%q)).click()", says))
}

// fill types into a field of the page, as a person does who was there with Tab.
func (b *browser) fill(control, text string) {
	b.t.Helper()
	b.wait("[data-control=" + control + "]")
	b.run(fmt.Sprintf("const field = document.querySelector('[data-control=%s]'); field.focus(); field.select()", control))
	b.keys(text)
	require.Equal(b.t, text, eval[string](b, fmt.Sprintf("document.querySelector('[data-control=%s]').value", control)))
}

// The list is there without a press, for devices plugged in or not, and asks none of them anything.
func TestTheDevicesThatTheBrowserKnows(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	serial := s.device.Status().Serial
	b := s.browse(browserOptions{})
	b.open("/")
	require.False(t, eval[bool](b, "performance.getEntriesByType('resource').some(r => /wasm|part-|rare-/.test(r.name))"),
		"a browser that knows no device loads nothing that would tell")
	b.bind()

	wired := len(s.wired())
	b.open("/")
	list := b.knows("Plugged in · Bound on")
	require.Contains(t, list, serial)
	require.Equal(t, wired, len(s.wired()), "nothing was asked of the device")
	b.pressEntry(serial)
	b.state("known")
	for _, says := range []string{"To this browser", "By the simulator’s key", "Kept in this browser"} {
		require.Contains(t, b.text(), says)
	}
	require.Equal(t, wired, len(s.wired()), "nor for its page")
	b.press("rename")
	b.state("rename")
	b.focused("[data-control=name]")
	b.keys("Savings" + kb.Enter)
	b.until("document.querySelector('[data-state=known] .message')?.innerText.includes('name is saved')")
	b.focused(".message")
	b.press("back")
	b.knows("Savings")
	b.press("connect")
	b.state("bound")
	require.Contains(t, b.text(), "Savings")

	// It is known unplugged, too, and forgotten without being plugged in.
	b.press("disconnect")
	require.NoError(t, s.device.Unplug())
	b.open("/")
	require.Contains(t, b.knows("Not connected to this page"), "Savings")
	b.pressEntry("Savings")
	b.state("known")
	require.Contains(t, b.text(), "Plug it in")
	b.press("forget-known")
	b.state("forget-known")
	require.Contains(t, b.text(), "bound to a key that is then lost")
	b.press("forget-now")
	b.state("start")
	require.Contains(t, b.text(), "has forgotten the binding")
	b.until("document.querySelector('.known') === null")
	require.NoError(t, s.device.Plug())
	b.open("/")
	b.listed()
	b.press("connect")
	b.state("recognised")
	b.press("go-on")
	b.state("elsewhere")
}

// What another tab did with the records is seen when its person comes back.
func TestADeviceIsForgottenInAnotherTab(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	serial := s.device.Status().Serial
	b := s.browse(browserOptions{})
	code := b.bind()
	b.press("done")
	b.knows("Bound on")
	b.pressEntry(serial)
	b.state("known")
	other := b.tab()
	other.open("/")
	other.knows("Bound on")
	other.pressEntry(serial)
	other.state("known")
	other.press("forget-known")
	other.press("forget-now")
	other.state("start")

	// The tab that knows nothing of it yet asks for a name.
	b.press("rename")
	b.state("rename")
	b.fill("name", "Savings")
	b.press("save-name")
	b.state("start")
	require.Contains(t, b.text(), "has forgotten the binding")
	require.False(t, eval[bool](b, "document.querySelector('.known') !== null"))

	// Bound there, it is known here when this tab is in sight again.
	other.press("connect")
	other.state("recognised")
	other.press("go-on")
	other.state("elsewhere")
	other.press("go-on")
	other.state("code")
	other.typeCode(code)
	other.state("bound")
	other.press("done")
	other.state("start")
	b.run("document.dispatchEvent(new Event('visibilitychange'))")
	b.knows("Bound on")
}

// What is done with a binding and elsewhere on the page comes back to where it was begun, and says what came of it.
func TestAWishComesBackToTheBinding(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	code := b.bind()
	unfolded := func() {
		t.Helper()
		b.state("bound")
		require.True(t, eval[bool](b, "document.querySelector('details.manage').open"))
		require.NotContains(t, b.text(), "shows the code now")
	}
	b.until("document.querySelector('.banner').innerText.includes('Holds no money')")
	b.press("view-code-to-write") // from where it is said to be written down
	b.managed(inHalfMin)
	require.Equal(t, code, b.shown())
	b.press("hide-code")
	b.managed("hidden again")
	b.press("show-on-device")
	b.managed("shows the code now")
	b.press("rename")
	b.state("rename")
	b.fill("name", "Savings")
	b.press("save-name")
	b.managed("The name is saved")
	unfolded()
	b.until("document.querySelector('.card-title').innerText.includes('Savings')")
	b.press("rename")
	b.state("rename")
	b.press("back")
	unfolded()
	b.press("export")
	b.state("export")
	b.fill("passphrase", "12345678")
	b.fill("passphrase-again", "12345678")
	b.press("export-now")
	b.until("document.querySelector('.form .code-hint')?.innerText.includes('Too weak')")
	b.press("back")
	unfolded()
	b.exports()
	b.press("back")
	unfolded()
}

// The list, a device's page, a name and the way back, with the keyboard alone.
func TestManagingWithTheKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.bind()
	b.open("/")
	b.knows("Bound on")
	b.enterOn(".entry")
	b.state("known")
	b.enterOn("[data-action=rename]")
	b.state("rename")
	b.keys("Mine")
	b.enterOn("[data-action=back]") // a name that was not saved is none
	b.state("known")
	require.NotContains(t, b.text(), "Mine")
	b.enterOn("[data-action=lost]")
	b.state("lost")
	b.enterOn("[data-action=lost-go-on]")
	b.until("document.body.innerText.includes('there is one way')")
	b.enterOn("[data-action=lost-go-on]")
	b.wait("[data-control=at-hand]")
	b.enterOn("[data-action=lost-go-on]")
	b.focused("[data-control=at-hand]") // nothing was ticked: back to what is missing
	b.keys(" ")
	b.enterOn("[data-action=lost-go-on]")
	b.wait("[data-control=count-12]")
	b.tabTo("[data-control=count-12]")
	b.keys(" " + kb.ArrowDown)
	b.enterOn("[data-action=lost-go-on]")
	b.until("document.body.innerText.includes('Reset it on the device')")
	b.enterOn("[data-action=back]")
	b.state("known")
	b.enterOn("[data-action=export]")
	b.state("export")
	b.tabTo("[data-control=passphrase]")
	b.keys("short")
	b.enterOn("[data-action=export-now]")
	b.focused("[data-control=passphrase]") // back to what is too short
	require.True(t, bound(s.device.Status()))
}

// Changing the language keeps what was typed and where the focus is.
func TestTheLanguageChangesInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.bind()
	b.open("/")
	b.knows("Bound on")
	b.pressEntry(s.device.Status().Serial)
	b.state("known")
	b.press("export")
	b.state("export")
	b.fill("passphrase", "correct horse battery staple wagon")
	b.run("document.querySelector('[data-control=show-passphrase]').click(); document.querySelector('[data-language=zh]').click()")
	b.until("document.querySelector('h1').innerText === '导出此绑定'")
	require.Equal(t, "correct horse battery staple wagon", eval[string](b, "document.querySelector('[data-control=passphrase]').value"))
	require.Equal(t, "text", eval[string](b, "document.querySelector('[data-control=passphrase]').type"))
	require.Contains(t, b.text(), "强度高")
}

// Several are plugged in: the person picks one, and none is opened before.
func TestSeveralDevicesArePluggedIn(t *testing.T) {
	t.Parallel()
	const first, second = "imKey01191200001", "imKey01191200002"
	s := newSim(t, device.Options{Serial: first}, device.Options{Serial: second})
	b := s.browse(browserOptions{})
	b.open("/")
	b.until("navigator.usb.getDevices().then(d => d.length === 2)")
	b.press("connect")
	b.state("several")
	require.Contains(t, b.text(), "New to this browser")
	require.Empty(t, s.wired())
	b.pressEntry(second)
	b.state("recognised")
	require.Contains(t, b.text(), second)
	require.Empty(t, s.wired(), "the other one was asked nothing")
	// Each has a CA of its own, and the page of either knows both.
	require.NotEqual(t, s.Devices[0].Status().CA, s.Devices[1].Status().CA)
	b.wait("[data-certificate=verified]")
	b.open("/")
	b.press("connect")
	b.state("several")
	b.pressEntry(first)
	b.state("recognised")
	require.Contains(t, b.text(), first)
	b.wait("[data-certificate=verified]")
	b.open("/")
	wired := len(s.wired())
	b.press("connect")
	b.state("several")
	b.pressEntry(second)
	b.state("recognised")
	require.Equal(t, wired, len(s.wired()), "the first was asked nothing more")
	b.press("go-on")
	b.state("code")
	b.typeCode(s.Devices[1].Code())
	b.state("bound")
	require.False(t, bound(s.device.Status()))

	b.open("/")
	b.press("connect")
	b.state("several")
	b.until("document.querySelector('.entries')?.innerText.includes('Bound in this browser')")
	// One that is unplugged leaves the list, and comes back to it.
	require.NoError(t, s.device.Unplug())
	b.until("document.querySelectorAll('[data-state=several] .entry').length === 1")
	require.NoError(t, s.device.Plug())
	b.until("document.querySelectorAll('[data-state=several] .entry').length === 2")
	b.pressEntry(second)
	b.state("bound")
	require.Contains(t, b.text(), second)
}

// A part of the page that cannot be loaded is said to be so, and comes when it can be.
func TestAPartOfThePageThatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	s.Device.Unplug()
	s.withoutParts(true)
	b.press("connect-simulated")
	b.fails("request-cancelled")
	require.Contains(t, b.text(), "could not be loaded")
	s.withoutParts(false)
	b.press("retry")
	b.until("document.body.innerText.includes('No imKey was chosen')")
}
