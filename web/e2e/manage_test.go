package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// unfold opens the part of the page that manages the binding.
func (b *browser) unfold() {
	b.t.Helper()
	b.run("document.querySelector('details.manage').open = true")
}

// managed waits for what the page says of the last wish.
func (b *browser) managed(says string) {
	b.t.Helper()
	b.until("document.querySelector('.manage .message')?.textContent.includes('" + says + "')")
}

// shown is the code on the page, if there is one.
func (b *browser) shown() string {
	b.t.Helper()
	return eval[string](b, "document.querySelector('.revealed')?.textContent ?? ''")
}

const (
	hidden    = "hidden again."
	inHalfMin = "hidden again after 30 seconds"
)

func TestTheKeptCodeIsViewed(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	code := b.bind()
	require.NotContains(t, b.text(), code)
	b.unfold()
	require.Contains(t, b.text(), "no proof that the owner is there")
	b.press("view-code")
	b.managed(inHalfMin)
	require.Equal(t, code, b.shown())
	require.True(t, eval[bool](b, "document.activeElement.matches('.revealed')"), "the code is where the focus is, to be read out")
	b.press("hide-code")
	b.managed(hidden)
	require.Empty(t, b.shown())

	b.open("/") // and on another visit
	b.press("connect")
	b.state("bound")
	require.NotContains(t, strings.ReplaceAll(b.text(), "\n", ""), code)
	b.run(`window.copied = []
		for (const name of ['copy', 'cut']) document.addEventListener(name, () => copied.push(name))
		navigator.clipboard.writeText = async () => { copied.push('written') }`)
	b.press("view-code")
	b.managed(inHalfMin)
	require.Equal(t, code, b.shown())
	// It is text and nothing else: in no attribute, in no message to a screen reader, never copied.
	require.Empty(t, eval[string](b, `[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name + a.value).join()
		.match(/`+code+`/)?.[0] ?? ''`))
	require.NotContains(t, eval[string](b, "[...document.querySelectorAll('[data-live]')].map(e => e.textContent).join()"), code)
	b.run("getSelection().selectAllChildren(document.body)")
	require.NotContains(t, eval[string](b, "getSelection().toString().replace(/\\s/g, '')"), code)
	require.Empty(t, eval[[]string](b, "copied"))
	for _, attempt := range []string{"copy-report", "retry"} {
		require.False(t, eval[bool](b, "document.querySelector('[data-action="+attempt+"]') !== null"))
	}
}

// Whatever takes the page out of sight takes the code off it.
func TestTheViewedCodeIsHiddenWithThePage(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	code := b.bind()
	b.unfold()
	view := func() {
		b.press("view-code")
		b.managed(inHalfMin)
		require.Equal(t, code, b.shown())
	}
	gone := func() {
		require.Empty(t, b.shown())
		require.False(t, eval[bool](b, "document.documentElement.outerHTML.replace(/<[^>]*>/g, '').includes('"+code+"')"))
	}
	view()
	b.run(`Object.defineProperty(document, 'visibilityState', { get: () => 'hidden', configurable: true })
		document.dispatchEvent(new Event('visibilitychange'))
		window.atOnce = document.querySelector('.revealed')?.textContent ?? ''
		delete document.visibilityState`)
	require.Empty(t, eval[string](b, "atOnce"))
	gone()
	b.managed(hidden)

	view()
	require.NoError(t, s.device.Unplug())
	b.until("document.body.innerText.includes('unplugged')")
	gone()
	require.NoError(t, s.device.Plug())
	b.wait("[data-action=view-code]")

	view()
	b.run(`window.dispatchEvent(new Event('pagehide')); window.atOnce = document.querySelector('.revealed')?.textContent ?? ''`)
	require.Empty(t, eval[string](b, "atOnce"))
	gone()
	b.state("start")
}

// What is managed while the code is in sight hides it, and nothing says on the way back that it is there.
func TestTheCodeIsHiddenByWhatIsManaged(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	code := b.bind()
	b.unfold()
	for action, state := range map[string]string{"rename": "rename", "export": "export"} {
		b.press("view-code")
		b.managed(inHalfMin)
		require.Equal(t, code, b.shown())
		b.press(action)
		b.state(state)
		require.NotContains(t, b.text(), code[:4])
		b.press("back")
		b.state("bound")
		b.wait("[data-action=view-code]")
		require.False(t, eval[bool](b, "!!document.querySelector('[data-action=hide-code], .revealed')"))
	}

	// A code that comes after the management was opened goes nowhere. Both presses are within one turn.
	b.run(`document.querySelector('[data-action=rename]').click(); document.querySelector('[data-action=view-code]').click()`)
	b.state("rename")
	b.press("back")
	b.state("bound")
	require.False(t, eval[bool](b, "!!document.querySelector('[data-action=hide-code], .revealed')"))
}

func TestTheCodeWasNotKept(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	code := s.code()
	b.run("document.querySelector('[data-control=keep]').click()")
	b.run("document.querySelector('.code-box').focus()")
	b.typeCode(code)
	b.state("bound")
	b.unfold()
	b.press("view-code")
	b.managed("not kept in this browser")
	require.Empty(t, b.shown())

	// The device shows it to whom it is bound.
	require.NoError(t, s.device.Home())
	b.press("show-on-device")
	b.managed("shows the code now")
	require.Equal(t, code, s.code())
}

// Every real device: its code can be looked up by whom it was accepted from.
func TestTheKeptCodeOfAnUnverifiedDeviceIsViewed(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	s.withoutSimulator()
	b.open("/")
	b.press("connect")
	b.state("recognised")
	b.press("go-on")
	b.state("unverified")
	b.run(`document.querySelector('[data-control="accept"]').click()`)
	b.press("go-on")
	b.state("code")
	code := s.code()
	b.typeCode(code)
	b.state("bound")
	b.open("/")
	b.press("connect")
	b.state("bound")
	b.press("view-code")
	b.managed(inHalfMin)
	require.Equal(t, code, b.shown())
}

func TestABindingIsForgotten(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	code := b.bind()
	b.unfold()
	b.press("forget")
	b.state("forget")
	require.Contains(t, b.text(), "bound to a key that is then lost")
	b.press("keep-binding")
	b.state("bound")
	b.unfold()
	b.press("forget")
	b.state("forget")
	b.press("forget-now")
	b.state("start")
	require.Contains(t, b.text(), "has forgotten the binding")
	require.True(t, bound(s.device.Status()), "the device is not told")
	b.pairsElsewhere(code)
}

// The device locks while its code is looked up: the page waits for its person, and goes on.
func TestTheDeviceIsLockedWhenItsCodeIsViewed(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{PIN: "123456"})
	require.NoError(t, s.device.Unlock("123456"))
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	b.typeCode(s.code())
	b.state("bound")
	b.unfold()
	require.NoError(t, s.device.Lock())
	b.press("view-code")
	b.state("waiting")
	require.NoError(t, s.device.Unlock("123456"))
	b.state("bound")
}

// The page tells what the device counts, whatever happened to it meanwhile.
func TestTheTriesLeftAreTheDevices(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	tries := func(left string) {
		b.typeCode(wrong(s.code()))
		b.until("document.querySelector('[data-state=wrong]')?.innerText.includes('" + left + " tries are left')")
	}
	tries("9")
	tries("8")
	require.NoError(t, s.device.Reset())
	b.press("show-again")
	b.state("code")
	tries("9")
}
