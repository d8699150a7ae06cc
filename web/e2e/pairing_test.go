package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/usb"
)

func bound(s device.Status) bool { return s.Binding == "bound" }

func TestFirstPairingAndTheNextVisit(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	b.typeCode(s.code())
	b.state("bound")
	require.Equal(t, "bound", s.device.Status().Binding)
	require.Contains(t, b.text(), "Write it on paper")

	b.open("/")
	b.press("connect")
	b.state("bound")
	require.NotContains(t, b.text(), "Write it on paper", "the second visit is not a binding")
}

func TestWrongCodeThenRightCode(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	code := s.code()
	b.typeCode(wrong(code))
	b.state("wrong")
	require.Contains(t, b.text(), "9 tries are left")
	require.Equal(t, 9, s.device.Status().CodeAttemptsLeft)
	require.Equal(t, "Character 1 of 8", eval[string](b, "document.activeElement.getAttribute('aria-label')"), "the focus is back at the first box")
	require.Equal(t, "", eval[string](b, "[...document.querySelectorAll('.code-box')].map(i => i.value).join('')"), "the boxes are clear")
	b.typeCode(code)
	b.state("bound")
	require.Equal(t, 10, s.device.Status().CodeAttemptsLeft)
}

func TestAnotherProfileTakesTheBindingOver(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	first, second := t.TempDir(), t.TempDir()

	b := s.browse(browserOptions{profile: first})
	code := b.bind()
	b.close()

	b = s.browse(browserOptions{profile: second})
	b.open("/")
	b.press("connect")
	b.state("recognised")
	b.press("go-on")
	b.state("elsewhere")
	require.Contains(t, b.text(), "unbind", "the warning comes before the code is asked for")
	b.press("go-on")
	b.state("code")
	b.typeCode(code)
	b.state("bound")
	b.close()

	b = s.browse(browserOptions{profile: first})
	b.open("/")
	b.press("connect")
	b.state("rebound")
	b.press("go-on")
	b.state("elsewhere")
}

// Whatever is cut off while the code is checked, the browser and the device agree afterwards, and the page goes on by
// itself once the device is back.
func TestUnpluggedInTheMiddleOfIdentityVerify(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	b.open("/")
	wasBound, wasNot := 0, 0
	for round, cut := range []usb.Fault{
		// After SELECT (1 packet each way) come BIND_CHECK (2 out, 4 in) and IDENTITY_VERIFY (3 out, 1 in).
		{On: "out", Packet: 4}, {On: "out", Packet: 5}, {On: "out", Packet: 6}, {On: "in", Packet: 6},
	} {
		met := "recognised"
		if round > 0 {
			met = "reset" // it was bound here in the round before
		}
		require.NoError(t, s.device.Reset())
		b.open("/")
		b.press("connect")
		b.state(met)
		b.press("go-on")
		b.state("code")
		code := s.code()
		s.answered(0x72, round+1+wasNot) // the page asks for the code to be shown; what comes then is the binding
		cut.Do = usb.DoUnplug
		require.NoError(t, s.device.Port().SetFaults([]usb.Fault{cut}))
		b.typeCode(code)
		b.fails("device-disconnected")
		require.NoError(t, s.device.Unplug()) // the fault did it; this waits until it is done
		before := bound(s.device.Status())
		require.NoError(t, s.device.Port().SetFaults(nil))
		require.NoError(t, s.device.Plug())
		if before {
			wasBound++
			b.recovers("bound")
			continue
		}
		wasNot++
		b.recovers("recognised") // a binding was begun since: what was before it counts no more
		b.press("go-on")
		b.state("code")
		b.typeCode(s.code())
		b.state("bound")
	}
	require.Positive(t, wasBound, "no cut came after the device had bound")
	require.Positive(t, wasNot, "no cut came before the device had bound")
}

func TestTheDeviceWaitsForItsPerson(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{ConfirmBinding: true})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	code := s.code()
	asked := func(s device.Status) bool { return s.Asking }

	b.typeCode(code)
	s.is(asked)
	b.until(`document.querySelector('[data-state="checking"]')?.innerText.includes('Look at your imKey')`)
	require.NoError(t, s.device.Press(device.Cancel))
	b.fails("user-rejected")

	b.press("retry")
	b.recovers("recognised")
	b.press("go-on")
	b.state("code")
	b.typeCode(code)
	s.is(asked)
	b.press("cancel") // on the page: the device is told, and the code can be entered again
	s.is(func(s device.Status) bool { return !s.Asking })
	b.state("code")
	b.typeCode(code)
	s.is(asked)
	require.NoError(t, s.device.Press(device.OK))
	b.state("bound")
}

func TestACloseOfThePageLeavesTheDeviceUsable(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{ConfirmBinding: true})
	b := s.browse(browserOptions{})
	b.open("/")
	b.toCode()
	b.typeCode(s.code())
	s.is(func(s device.Status) bool { return s.Asking })
	b.open("/") // the page is gone while the device waits
	b.toCode()
	b.typeCode(s.code())
	s.is(func(s device.Status) bool { return s.Asking })
	require.NoError(t, s.device.Press(device.OK))
	b.state("bound")
}

func TestAnUnverifiedDeviceIsBoundOnlyByADeliberateChoice(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{})
	// A page from elsewhere than the simulator does not learn its CA: the device is then like every real one.
	s.withoutSimulator()
	b.open("/")
	b.press("connect")
	b.state("recognised")
	require.Contains(t, b.text(), "Cannot be verified")
	b.press("go-on")
	b.state("unverified")
	b.press("go-on") // without the tick
	require.Equal(t, "unverified", eval[string](b, "document.querySelector('[data-state]').dataset.state"))
	b.run(`document.querySelector('[data-control="accept"]').click()`)
	b.press("go-on")
	b.state("code")
	b.typeCode(s.code())
	b.state("bound")
	b.open("/")
	b.press("connect")
	b.state("bound")
}

func TestTheSimulatedDeviceOverAWebSocket(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{})
	b := s.browse(browserOptions{unplugged: true})
	b.open("/")
	b.press("connect-simulated")
	b.state("recognised")
	b.press("go-on")
	b.state("code")
	code := s.code()
	b.typeCode(wrong(code))
	b.state("wrong")
	b.typeCode(code)
	b.state("bound")
	b.open("/")
	b.press("connect-simulated")
	b.state("bound")
}
