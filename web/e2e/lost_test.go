package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
)

// The browser that was bound before says so without alarm, and offers both ways on.
func TestTheBrowserThatWasBoundBefore(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	profile := t.TempDir()
	b := s.browse(browserOptions{profile: profile})
	code := b.bind()
	b.close()

	other := s.browse(browserOptions{})
	other.open("/")
	other.press("connect")
	other.state("recognised")
	other.press("go-on")
	other.state("elsewhere")
	require.Contains(t, other.text(), "unbinds that one")
	other.press("go-on")
	other.state("code")
	other.typeCode(code)
	other.state("bound")
	other.close()

	b = s.browse(browserOptions{profile: profile})
	b.open("/")
	b.press("connect")
	b.state("rebound")
	require.Contains(t, b.text(), "This imKey has been bound to another phone, browser or site since.")
	require.False(t, eval[bool](b, "document.querySelector('.heading-error') !== null"), "nothing is wrong")
	b.press("forget")
	b.state("forget")
	require.NotContains(t, b.text(), "bound to a key that is then lost", "it is bound to another browser's")
	b.press("keep-binding")
	b.state("rebound")
	b.press("go-on")
	b.state("elsewhere")
	b.press("go-on")
	b.state("code")
	b.typeCode(code)
	b.state("bound")
}

// The code is lost: the page explains the only way, asks twice whether the mnemonic phrase is at hand, and resets nothing.
// After the reset the device is known by its serial number, with a new binding.
func TestTheCodeIsLost(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	first := s.browse(browserOptions{})
	code := first.bind()
	first.close()

	b := s.browse(browserOptions{})
	b.open("/")
	b.press("connect")
	b.state("recognised")
	b.press("go-on")
	b.state("elsewhere")
	b.press("lost")
	b.state("lost")
	require.Contains(t, b.text(), "A reset erases the wallet")
	require.Contains(t, b.text(), "This page cannot reset an imKey")
	toCount := func() {
		b.press("lost-go-on")
		b.wait("[data-control=at-hand]")
		b.press("lost-go-on")
		b.until("document.body.innerText.includes('Tick the box first')")
		b.run("document.querySelector('[data-control=at-hand]').click()")
		b.press("lost-go-on")
		b.wait("[data-control=count-12]")
	}
	toCount()
	b.press("lost-go-on")
	b.until("document.body.innerText.includes('Choose one of the numbers first')")
	b.run("document.querySelector('[data-control=count-other]').click()")
	b.press("lost-go-on")
	b.until("document.body.innerText.includes('Then do not reset your imKey')")
	b.press("back")
	b.state("elsewhere")

	b.press("go-on") // from where the code is asked for, the way is the same
	b.state("code")
	b.press("lost")
	b.state("lost")
	toCount()
	b.run("document.querySelector('[data-control=count-12]').click()")
	b.press("lost-go-on")
	b.until("document.body.innerText.includes('Reset it on the device')")
	require.True(t, bound(s.device.Status()), "the page resets nothing")

	require.NoError(t, s.device.Reset())
	b.press("connect-known")
	b.state("reset")
	require.Contains(t, b.text(), "Your imKey was reset")
	require.Contains(t, b.text(), s.device.Status().Serial)
	b.press("go-on")
	b.state("code")
	anew := s.code()
	require.NotEqual(t, code, anew)
	b.typeCode(anew)
	b.state("bound")
}

// A browser that is still bound does not send its person down that way: it says how the code is looked up.
func TestTheCodeIsNotLostYet(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	code := b.bind()
	b.open("/")
	b.knows("Bound on")
	b.pressEntry(s.device.Status().Serial)
	b.state("known")
	b.press("lost")
	b.state("lost")
	require.Contains(t, b.text(), "This browser still keeps the code")
	b.press("connect-known")
	b.state("bound")
	b.press("view-code")
	b.managed(inHalfMin)
	require.Equal(t, code, b.shown())

	// A reset that this browser was not told of is seen at the next visit.
	require.NoError(t, s.device.Reset())
	b.open("/")
	b.press("connect")
	b.state("reset")
	b.press("go-on")
	b.state("code")
	b.typeCode(s.code())
	b.state("bound")
}

// Nobody is sent to reset a device that shows its code to who asks: it was met here, and was never bound.
func TestTheCodeOfADeviceThatWasNeverBound(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	b.typeCode(wrong(s.code()))
	b.state("wrong")
	b.open("/")
	b.knows("Not bound yet")
	b.pressEntry(s.device.Status().Serial)
	b.state("known")
	b.press("lost")
	b.state("lost")
	require.Contains(t, b.text(), "show its code on its own screen")
	require.NotContains(t, b.text(), "reset")
	b.press("connect-known")
	b.state("recognised")
	b.press("go-on")
	b.state("code")
	b.typeCode(s.code())
	b.state("bound")
}

// Two tabs of one browser: the person says which one has the device, and the other says so without alarm.
func TestTheDeviceIsUsedHere(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.bind()
	other := b.tab()
	other.open("/")
	other.press("connect")
	other.state("in-use")
	require.Contains(t, other.text(), "Another tab is using your imKey")
	other.press("take-over")
	other.state("bound")
	b.state("taken-over")
	require.False(t, eval[bool](b, "document.querySelector('.heading-error') !== null"), "nothing is wrong")
	b.press("take-over")
	b.state("bound")
	other.state("taken-over")
	other.press("stop")
	other.state("start")
}
