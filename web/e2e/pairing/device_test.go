package pairing

import (
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/frame"
	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/fakeca"
	"imkey-connect/devicesim/simtest"
	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/harness"
)

// TestDeviceLocked checks that the page waits while the device is locked, and continues by itself.
func TestDeviceLocked(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{PIN: "123456"})
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.Press("connect")
	b.WaitForState("waiting")
	b.RequireText("errors.advice.next", "locked", harness.OnLinux)
	s.Device.Unlock("123456")
	b.WaitForState("recognised") // the page continues by itself
}

// TestDeviceInItsMenu checks that the page waits while the device shows its menu, and continues by itself.
func TestDeviceInItsMenu(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	s.Device.Menu()
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.Press("connect")
	b.WaitForState("waiting")
	b.RequireText("errors.advice.next", "in-menu", harness.OnLinux)
	s.Device.Home()
	b.WaitForState("recognised")
}

// TestDeviceNeedsTheUserHalfway locks the device, and opens its menu, at every step of a binding. The page waits each time and
// continues without a reload.
func TestDeviceNeedsTheUserHalfway(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{PIN: "123456"})
	s.Device.Unlock("123456")
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.Run("window.sameVisit = true")
	b.Press("connect")
	b.WaitForState("recognised")
	for _, away := range []struct{ leave, back func() error }{
		{s.Device.Simulated.Lock, func() error { return s.Device.Simulated.Unlock("123456") }},
		{s.Device.Simulated.Menu, s.Device.Simulated.Home},
	} {
		require.NoError(t, away.leave())
		b.Press("go-on")
		b.WaitForState("waiting")
		require.NoError(t, away.back())
		b.WaitForState("recognised")
		b.Press("go-on")
		b.WaitForState("code")
		s.Device.Code()

		require.NoError(t, away.leave())
		b.Press("show-again")
		b.WaitForState("waiting")
		require.NoError(t, away.back())
		b.WaitForState("recognised")

		b.Press("go-on")
		b.WaitForState("code")
		code := s.Device.Code()
		require.NoError(t, away.leave())
		b.EnterCode(code)
		b.WaitForState("waiting")
		require.NoError(t, away.back())
		b.WaitForState("recognised")
	}
	require.True(t, harness.Eval[bool](b, "window.sameVisit"))
}

// TestDeviceInItsBootLoader checks what the page says of a device in its boot loader, and that it can try again.
func TestDeviceInItsBootLoader(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	require.NoError(t, s.Device.Simulated.SetBootLoader(true))
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.Press("connect")
	b.WaitForErrorText("boot-loader")
	require.NoError(t, s.Device.Simulated.SetBootLoader(false))
	b.Press("retry")
	b.WaitForStateAfterError("recognised")
}

// otherDevice is a device with the USB ids of an imKey that answers every command with the status word 6D00.
type otherDevice struct {
	send func([]byte)
	asm  frame.Assembler
}

func (d *otherDevice) Attach(send func([]byte)) { d.send = send }

func (d *otherDevice) Detach() {}

func (d *otherDevice) Packet(p []byte) {
	ev, err := d.asm.Add(p)
	switch {
	case err != nil || ev.Kind == frame.WasCancel:
		answer := frame.Error(frame.InvalidCommand)
		d.send(answer[:])
	case ev.Kind == frame.Message:
		packets, err := frame.Split(apdu.Response{SW: apdu.InstructionNotSupported}.Bytes())
		if err != nil {
			panic(err)
		}
		for i := range packets {
			d.send(packets[i][:])
		}
	}
}

// TestDeviceIsNotAnIMKey checks what the page says of a device that answers as no imKey does.
func TestDeviceIsNotAnIMKey(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	s.PlugInstead(usb.NewPort(usb.Identity{Serial: s.Device.Status().Serial, Product: "Something else"}, &otherDevice{}, nil))
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.Press("connect")
	b.WaitForErrorText("not-imkey")
}

// TestDeviceWithAnotherIdentity checks that a device with another identity than the bound one is refused until the user forgets
// the binding.
func TestDeviceWithAnotherIdentity(t *testing.T) {
	t.Parallel()
	ca, err := fakeca.New(rand.Reader)
	require.NoError(t, err)
	s := harness.NewSim(t, device.Options{CA: ca})
	profile := t.TempDir()
	b := s.StartBrowser(harness.BrowserOptions{Profile: profile})
	b.Open("/")
	b.GoToCode()
	b.EnterCode(s.Device.Code())
	b.WaitForState("bound")
	b.Close()

	before := s.Device.Status()
	other, err := device.New(device.Options{CA: ca, Serial: before.Serial, SEID: before.SEID, Applets: applets.All()})
	require.NoError(t, err)
	t.Cleanup(func() { other.Close() })
	s.PlugInstead(other.Port())
	b = s.StartBrowser(harness.BrowserOptions{Profile: profile})
	b.Open("/")
	b.Press("connect")
	b.WaitForErrorText("device-mismatch")
	b.Press("forget")
	b.WaitForStateAfterError("forget")
	b.RequireText("exceptional.forgetMismatch")
	require.Contains(t, b.Text(), before.Serial)
	b.Press("forget-now")
	b.WaitForState("start")
	b.Press("connect")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	code, err := simtest.ReadCode(s.Ctx, other)
	require.NoError(t, err)
	b.EnterCode(code)
	b.WaitForState("bound")
}

// TestSilentDevice checks that the page responds at once while the device does not answer, and says what it waits for.
func TestSilentDevice(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{})
	mute := []usb.Fault{{On: "in", Packet: 1, Do: usb.DoDrop, Count: 1000}}
	now := func() string { return harness.Eval[string](b, "document.querySelector('[data-state]').dataset.state") }
	b.Open("/")
	s.Device.Arm(mute...)
	b.Press("connect")
	b.WaitForState("opening")
	b.Press("cancel")
	require.Equal(t, "start", now())
	b.Press("connect") // waits until the device is released
	s.Device.Arm()
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	code := s.Device.Code()

	s.Device.Arm(mute...)
	b.EnterCode(code)
	b.WaitForState("checking")
	b.Press("cancel")
	require.Equal(t, "stopping", now())
	b.RequireText("pairing.stoppingLead")
	require.Empty(t, harness.Eval[[]string](b, "[...document.querySelectorAll('.state button')].map(b => b.textContent)"))
	s.Device.Arm()
	b.WaitForState("code")
	b.RequireText("pairing.aborted")
	b.EnterCode(code)
	b.WaitForState("bound")
}
