package device

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/errcode"
	"imkey-connect/core/frame"
	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/usb"
)

// TestBadFraming sends malformed packets. The device answers each with one ERROR, and answers the next message.
func TestBadFraming(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	first := func(cmd byte, length int) (p frame.Packet) {
		p[4], p[5], p[6] = cmd, byte(length>>8), byte(length)
		return p
	}
	next := func(seq byte) (p frame.Packet) { p[4] = seq; return p }
	channel := func(p frame.Packet, cid byte) frame.Packet { p[3] = cid; return p }
	long := first(0xC3, 200)

	for name, c := range map[string]struct {
		packets []frame.Packet
		want    frame.ErrorCode
	}{
		"nothing to cancel":          {[]frame.Packet{frame.Cancel()}, frame.InvalidCommand},
		"unknown command":            {[]frame.Packet{first(0x90, 0)}, frame.InvalidCommand},
		"INIT of HID":                {[]frame.Packet{first(0x86, 0)}, frame.InvalidCommand},
		"a device's keep-alive":      {[]frame.Packet{frame.KeepAlive(2)}, frame.InvalidCommand},
		"a device's error":           {[]frame.Packet{frame.Error(frame.Busy)}, frame.InvalidCommand},
		"HID's channel":              {[]frame.Packet{channel(first(0xC3, 4), 1)}, frame.InvalidParameter},
		"empty message":              {[]frame.Packet{first(0xC3, 0)}, frame.InvalidLength},
		"message too long":           {[]frame.Packet{first(0xC3, frame.MaxMessage+1)}, frame.InvalidLength},
		"CANCEL with data":           {[]frame.Packet{first(0xD1, 1)}, frame.InvalidLength},
		"stray continuation":         {[]frame.Packet{next(0)}, frame.InvalidSequence},
		"continuation left out":      {[]frame.Packet{long, next(1)}, frame.InvalidSequence},
		"continuation twice":         {[]frame.Packet{long, next(0), next(0)}, frame.InvalidSequence},
		"message inside a message":   {[]frame.Packet{long, next(0), long}, frame.InvalidSequence},
		"CANCEL inside a message":    {[]frame.Packet{long, next(0), frame.Cancel()}, frame.InvalidCommand},
		"other channel in a message": {[]frame.Packet{long, channel(next(0), 9)}, frame.InvalidParameter},
	} {
		h.Send(c.packets...)
		require.Equal(t, frame.Error(c.want), h.Receive(), name)
		h.Idle()
		h.OK(hosttest.SelectCardManager)
	}

	// A Link cannot send packets of another length, but the port can.
	held := h.Link.(*link).host
	for _, n := range []int{0, 1, 7, 63} {
		_, err := held.Out(t.Context(), usb.EndpointOut, make([]byte, n))
		require.NoError(t, err)
		require.Equal(t, frame.Error(frame.InvalidLength), h.Receive(), n)
	}
	h.Idle()
}

func TestLongestMessages(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	for _, n := range []int{1, 3, 57, 58, 116, 117, 261, 262, 5000, frame.MaxMessage} {
		_, sw := h.Raw(make([]byte, n))
		require.NotEqual(t, apdu.OK, sw)
	}
	h.OK(hosttest.SelectCardManager)
}

// asks sends an IDENTITY_VERIFY with the right code, which waits for the user.
func asks(t *testing.T, d *Device, h *host) string {
	t.Helper()
	h.Check()
	h.OK(hosttest.ShowCode)
	code := shownCode(d)
	h.Message(h.Proof(code))
	await(t, d, "a question", asking)
	require.Empty(t, shownCode(d))
	return code
}

// TestAnotherWalletAfterOK replaces the wallet between the user's OK and the moment when the applet takes it up. The OK was not for
// that wallet.
func TestAnotherWalletAfterOK(t *testing.T) {
	d := newDevice(t, Options{Mnemonic: hosttest.Mnemonic})
	h := newHost(t, d, 1)
	h.OK("00A4040005695F65746800")
	h.Message(hosttest.Unhex(t, "8054008008"+"0000"+"010003616263"+"00"))
	await(t, d, "a question", asking)
	d.mu.Lock()
	d.dismiss(nil)
	require.NoError(t, d.reset())
	words, err := parseMnemonic("abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	require.NoError(t, err)
	require.NoError(t, d.keepWallet(words))
	d.mu.Unlock()
	_, sw, _ := h.Answer()
	require.Equal(t, apdu.ConditionsNotSatisfied, sw)
	h.SW(apdu.ConditionsNotSatisfied, "80550000106d2f3434272f3630272f30272f302f3000")
}

// TestUserDecides checks, with a fake clock, that the host gets a keep-alive every 500 ms and then the answer.
func TestUserDecides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, Options{ConfirmBinding: true})
		h := newHost(t, d, 1)
		code := asks(t, d, h)
		began := time.Now()
		for i := 1; i <= 20; i++ {
			require.Equal(t, frame.KeepAlive(2), h.Receive())
			require.Equal(t, time.Duration(i)*500*time.Millisecond, time.Since(began))
		}
		require.NoError(t, d.Press(Up))
		require.NoError(t, d.Hold(OK))
		require.ErrorIs(t, d.Menu(), ErrBusy)
		require.True(t, d.Status().Asking)
		require.NoError(t, d.Press(Cancel))
		_, sw, keepAlives := h.Answer()
		require.Equal(t, apdu.Rejected, sw)
		require.Zero(t, keepAlives)
		require.Equal(t, 10, d.Status().CodeAttemptsLeft, "a rejection is not an attempt")
		require.Equal(t, code, shownCode(d), "the screen shows the code again")
		h.Idle()

		asks(t, d, h)
		require.NoError(t, d.Press(OK))
		data, sw, _ := h.Answer()
		require.Equal(t, apdu.OK, sw)
		require.Equal(t, []byte{hosttest.RightCode}, data)
		h.Idle()

		d.SetConfirmBinding(false)
		require.Equal(t, hosttest.RightCode, h.Verify(code))
	})
}

// TestCancel cancels a command that waits. The device answers one ERROR FE, and the command has no effect.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, Options{ConfirmBinding: true})
		h := newHost(t, d, 1)
		for range 5 {
			asks(t, d, h)
			require.Equal(t, frame.KeepAlive(2), h.Receive())
			h.Send(frame.Cancel())
			require.Equal(t, frame.Error(frame.Cancelled), h.Receive())
			await(t, d, "no question", func(s Status) bool { return !s.Asking })
			require.NoError(t, d.Press(OK))   // too late
			<-time.After(3 * keepAlivePeriod) // of the fake clock: a keep-alive would come now
			h.Idle()
			require.Equal(t, hosttest.Unbound, h.Check())
			require.Equal(t, 10, d.Status().CodeAttemptsLeft)
		}
	})
}

// TestCancelAtOnce sends CANCEL directly after a command. Either the command is answered, and there is nothing to cancel, or it
// is cancelled and has no effect.
func TestCancelAtOnce(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	h.Check()
	for i := range 200 {
		d.SetConfirmBinding(i%2 == 1)
		require.NoError(t, d.Reset())
		h.Check()
		h.OK(hosttest.ShowCode)
		code := shownCode(d)
		h.Message(h.Proof(code))
		h.Send(frame.Cancel())
		p := h.Receive()
		if p == frame.Error(frame.Cancelled) {
			require.Equal(t, hosttest.Unbound, h.Check())
		} else {
			require.Zero(t, i%2, "a command that waits is cancelled")
			require.Equal(t, hosttest.RightCode, p[7])
			require.Equal(t, frame.Error(frame.InvalidCommand), h.Receive())
			require.Equal(t, hosttest.BoundToThis, h.Check())
		}
		h.Idle()
	}
}

// TestBusy sends messages of several lengths while a command waits. Each gets one ERROR 06, and the command is not disturbed.
func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, Options{ConfirmBinding: true})
		h := newHost(t, d, 1)
		asks(t, d, h)
		for _, n := range []int{5, 57, 58, 600, frame.MaxMessage} {
			h.Message(make([]byte, n))
			require.Equal(t, frame.Error(frame.Busy), h.Receive())
		}
		packets, err := frame.Split(make([]byte, 200))
		require.NoError(t, err)
		h.Send(packets[0]) // the other packets follow when the device is idle again
		require.Equal(t, frame.Error(frame.Busy), h.Receive())
		require.NoError(t, d.Press(OK))
		data, sw, _ := h.Answer()
		require.Equal(t, apdu.OK, sw)
		require.Equal(t, []byte{hosttest.RightCode}, data)
		h.Send(packets[1:]...)
		h.Idle()
		require.Equal(t, hosttest.BoundToThis, h.Check())
	})
}

// TestHostGoes ends a question by unplugging, a power cut, a bus reset or closing the host. The device is not bound.
func TestHostGoes(t *testing.T) {
	for name, act := range map[string]func(*testing.T, *Device, *host){
		"unplug":   func(t *testing.T, d *Device, h *host) { require.NoError(t, d.Unplug()) },
		"powercut": func(t *testing.T, d *Device, h *host) { require.NoError(t, d.PowerCut()) },
		"reset":    func(t *testing.T, d *Device, h *host) { require.NoError(t, h.Link.Reset(t.Context())) },
		"close":    func(t *testing.T, d *Device, h *host) { require.NoError(t, h.Link.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, Options{ConfirmBinding: true, Mnemonic: testMnemonic})
			h := newHost(t, d, 1)
			code := asks(t, d, h)
			act(t, d, h)
			s := await(t, d, "no question", func(s Status) bool { return !s.Asking })
			if !s.Plugged {
				require.Empty(t, s.Screen)
				require.NotNil(t, s.Screen)
				_, err := d.Link(t.Context())
				require.ErrorIs(t, err, errcode.DeviceDisconnected)
				require.ErrorIs(t, h.Link.Send(t.Context(), &frame.Packet{}), errcode.DeviceDisconnected)
				require.ErrorIs(t, d.Press(OK), ErrUnplugged)
				require.NoError(t, d.Plug())
				require.NoError(t, d.Plug(), "plugging in twice is allowed")
				require.Empty(t, shownCode(d))
			}
			if name != "reset" {
				h = newHost(t, d, 1)
			}
			require.Equal(t, hosttest.Unbound, h.Check())
			d.SetConfirmBinding(false)
			require.Equal(t, hosttest.RightCode, h.Verify(code))
		})
	}
}

// TestWithdrawn ends a question by an action of the user, which decides the status word of the command.
func TestWithdrawn(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(*Device) error
		want apdu.StatusWord
	}{
		"home":        {(*Device).Home, apdu.Rejected},
		"lock":        {(*Device).Lock, apdu.PINNotVerified},
		"reset":       {(*Device).Reset, apdu.ConditionsNotSatisfied},
		"boot loader": {func(d *Device) error { return d.SetBootLoader(true) }, apdu.InMenu},
	} {
		d := newDevice(t, Options{ConfirmBinding: true})
		require.NoError(t, d.SetPIN("1234"))
		h := newHost(t, d, 1)
		asks(t, d, h)
		require.NoError(t, c.act(d))
		_, sw, _ := h.Answer()
		require.Equal(t, c.want, sw, name)
		require.NotEqual(t, "bound", d.Status().Binding, name)
	}
}

// TestFaultPowerCut cuts the power with a fault of the port.
func TestFaultPowerCut(t *testing.T) {
	d := newDevice(t, Options{PIN: "1234"})
	require.NoError(t, d.Unlock("1234"))
	h := newHost(t, d, 1)
	require.NoError(t, d.Port().SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoPowerCut}}))
	h.Message(hosttest.Unhex(t, hosttest.SelectCardManager))
	await(t, d, "no power", func(s Status) bool { return !s.Plugged })
	require.NoError(t, d.Plug())
	require.True(t, d.Status().Locked, "RAM is lost")
	require.NoError(t, d.Unlock("1234"), "the device can store changes again")
}

// TestCancelledQuestionIsGone checks that there is no question any more when the host gets the answer to its CANCEL.
func TestCancelledQuestionIsGone(t *testing.T) {
	d := newDevice(t, Options{ConfirmBinding: true})
	h := newHost(t, d, 1)
	for range 200 {
		asks(t, d, h)
		h.Send(frame.Cancel())
		require.Equal(t, frame.Error(frame.Cancelled), h.ReceiveAfterKeepAlives())
		require.False(t, d.Status().Asking)
	}
}
