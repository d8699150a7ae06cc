package imk

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/device"
	"imkey-connect/devicesim/device/devicetest"
	"imkey-connect/devicesim/device/hosttest"
)

// TestWhenACodeAppears checks each row of the table in section 5.
func TestWhenACodeAppears(t *testing.T) {
	// row checks the last column of the table: whether BIND_CHECK and 8072 show the code.
	row := func(t *testing.T, h *devicetest.Host, status byte, atOnce bool, onRequest bool) {
		t.Helper()
		require.Equal(t, status, h.Check())
		require.Equal(t, atOnce, devicetest.ShownCode(h.D) != "", "%q", h.D.Status().Screen)
		require.NoError(t, h.D.Home())
		require.Empty(t, devicetest.ShownCode(h.D), "the home page shows no code")
		if onRequest {
			h.OK(hosttest.ShowCode)
			require.NotEmpty(t, devicetest.ShownCode(h.D))
			require.NoError(t, h.D.Home())
		} else {
			h.SW(apdu.ConditionsNotSatisfied, hosttest.ShowCode)
			require.Empty(t, devicetest.ShownCode(h.D))
		}
	}
	t.Run("new", func(t *testing.T) {
		d := devicetest.New(t, device.Options{}, Applet)
		row(t, devicetest.Connect(t, d, 1), hosttest.Unbound, true, true)
	})
	t.Run("new, restored", func(t *testing.T) {
		d := devicetest.New(t, device.Options{Mnemonic: hosttest.Mnemonic}, Applet)
		row(t, devicetest.Connect(t, d, 1), hosttest.Unbound, true, true)
	})
	t.Run("reset", func(t *testing.T) {
		d := devicetest.New(t, device.Options{Mnemonic: hosttest.Mnemonic}, Applet)
		h := devicetest.Connect(t, d, 1)
		old := h.Bind()
		require.NoError(t, d.Reset())
		require.False(t, d.Status().Wallet)
		require.Equal(t, "none", d.Status().Binding)
		h.OK(hosttest.SelectIMK)
		h.SW(apdu.ConditionsNotSatisfied, hosttest.ShowCode) // no code has been drawn yet
		require.Equal(t, hosttest.Unbound, h.Check())
		require.NotEqual(t, old, devicetest.ShownCode(d))
		require.Equal(t, "code-shown", d.Status().Binding)
		require.Equal(t, hosttest.WrongCode, h.Verify(old))
	})
	t.Run("unbound, code drawn, another host", func(t *testing.T) {
		d := devicetest.New(t, device.Options{}, Applet)
		h := devicetest.Connect(t, d, 1)
		h.Check()
		code := devicetest.ShownCode(d)
		require.NoError(t, d.Home())
		row(t, h.As(2), hosttest.Unbound, false, true)
		row(t, h, hosttest.Unbound, false, true)
		h.OK(hosttest.ShowCode)
		require.Equal(t, code, devicetest.ShownCode(d), "the code stays the same until a reset")
	})
	t.Run("bound to this", func(t *testing.T) {
		d := devicetest.New(t, device.Options{}, Applet)
		h := devicetest.Connect(t, d, 1)
		h.Bind()
		row(t, h, hosttest.BoundToThis, false, true)
	})
	t.Run("bound to another", func(t *testing.T) {
		d := devicetest.New(t, device.Options{}, Applet)
		h := devicetest.Connect(t, d, 1)
		code := h.Bind()
		row(t, h.As(2), hosttest.BoundElsewhere, false, false)

		// The same code binds the other app, which unbinds the first one.
		require.Equal(t, hosttest.RightCode, h.As(2).Verify(code))
		row(t, h.As(2), hosttest.BoundToThis, false, true)
		row(t, h, hosttest.BoundElsewhere, false, false)

		// A host that has not sent its app key does not get the code shown either.
		require.NoError(t, h.Link.Close())
		again := devicetest.Connect(t, d, 2)
		again.OK(hosttest.SelectIMK)
		again.SW(apdu.ConditionsNotSatisfied, hosttest.ShowCode)
	})
}

// TestCodeBlocksNothing sends commands while the screen shows a code. Binding removes the code from the screen.
func TestCodeBlocksNothing(t *testing.T) {
	d := devicetest.New(t, device.Options{}, Applet)
	h := devicetest.Connect(t, d, 1)
	require.Equal(t, "none", d.Status().Binding)
	h.Check()
	code := devicetest.ShownCode(d)
	require.Equal(t, "code-shown", d.Status().Binding)
	for _, b := range []device.Button{device.OK, device.Up, device.Down} {
		require.NoError(t, d.Press(b))
		require.Equal(t, code, devicetest.ShownCode(d))
	}
	h.OK(hosttest.SelectCardManager)
	h.OK(hosttest.ReadCertificate)
	h.Check()
	require.Equal(t, code, devicetest.ShownCode(d))
	require.Equal(t, hosttest.WrongCode, h.Verify(hosttest.Wrong(code)))
	require.Equal(t, code, devicetest.ShownCode(d), "the screen still shows the code after a wrong attempt")
	require.Equal(t, 9, d.Status().CodeAttemptsLeft)
	require.Equal(t, hosttest.RightCode, h.Verify(code))
	require.Empty(t, devicetest.ShownCode(d))
	s := d.Status()
	require.Equal(t, "bound", s.Binding)
	require.Equal(t, 10, s.CodeAttemptsLeft)

	h.OK(hosttest.ShowCode)
	require.NoError(t, d.Press(device.Cancel))
	require.Empty(t, devicetest.ShownCode(d), "cancel goes home")
}

func TestApproveNeverClosesACode(t *testing.T) {
	for _, approve := range []device.Approve{device.Yes, device.No} {
		d := devicetest.New(t, device.Options{Approve: approve, ConfirmBinding: true}, Applet)
		h := devicetest.Connect(t, d, 1)
		h.Check()
		code := devicetest.ShownCode(d)
		require.NotEmpty(t, code)
		if approve == device.Yes {
			require.Equal(t, hosttest.RightCode, h.Verify(code))
			continue
		}
		_, sw := h.Raw(h.Proof(code))
		require.Equal(t, apdu.Rejected, sw)
		require.Equal(t, code, devicetest.ShownCode(d))
		require.Equal(t, "code-shown", d.Status().Binding)
	}
}

func TestTenWrongCodes(t *testing.T) {
	lock := func(t *testing.T, o device.Options) (*device.Device, *devicetest.Host, string) {
		d := devicetest.New(t, o, Applet)
		h := devicetest.Connect(t, d, 1)
		if o.PIN != "" {
			require.NoError(t, d.Unlock(o.PIN))
		}
		h.Check()
		code := devicetest.ShownCode(d)
		require.NoError(t, d.Home())
		for i := range 10 {
			require.Equal(t, 10-i, d.Status().CodeAttemptsLeft)
			require.Equal(t, hosttest.WrongCode, h.Verify(hosttest.Wrong(code)))
		}
		require.Zero(t, d.Status().CodeAttemptsLeft)
		_, sw := h.Raw(h.Proof(code))
		require.Equal(t, apdu.ConditionsNotSatisfied, sw)
		require.Equal(t, hosttest.Unbound, h.Check(), "other commands work")
		return d, h, code
	}
	t.Run("OK held", func(t *testing.T) {
		d, h, code := lock(t, device.Options{})
		require.NoError(t, d.Press(device.OK))
		require.Zero(t, d.Status().CodeAttemptsLeft, "a press is not enough")
		require.NoError(t, d.Hold(device.OK))
		require.Equal(t, hosttest.RightCode, h.Verify(code))
	})
	t.Run("control call without a PIN", func(t *testing.T) {
		d, h, code := lock(t, device.Options{})
		require.ErrorIs(t, d.Unlock("1234"), device.ErrNoPIN)
		require.NoError(t, d.Unlock(""))
		require.Equal(t, hosttest.RightCode, h.Verify(code))
	})
	t.Run("PIN", func(t *testing.T) {
		d, h, code := lock(t, device.Options{PIN: "1234"})
		require.ErrorIs(t, d.Unlock(""), device.ErrPINFormat)
		require.NoError(t, d.Hold(device.OK))
		require.Zero(t, d.Status().CodeAttemptsLeft, "a device with a PIN needs the PIN")
		require.NoError(t, d.Unlock("1234"))
		require.Equal(t, hosttest.RightCode, h.Verify(code))
	})
	t.Run("a power cut does not help", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "state.json")
		d, _, code := lock(t, device.Options{StateFile: file})
		require.NoError(t, d.PowerCut())
		require.NoError(t, d.Plug())
		h := devicetest.Connect(t, d, 1)
		h.Check()
		_, sw := h.Raw(h.Proof(code))
		require.Equal(t, apdu.ConditionsNotSatisfied, sw)
		require.NoError(t, d.Close())

		d = devicetest.New(t, device.Options{StateFile: file}, Applet)
		require.Zero(t, d.Status().CodeAttemptsLeft)
		h = devicetest.Connect(t, d, 1)
		h.Check()
		_, sw = h.Raw(h.Proof(code))
		require.Equal(t, apdu.ConditionsNotSatisfied, sw)
	})
}

// TestGates sends commands to a locked device and to one in its menu.
func TestGates(t *testing.T) {
	d := devicetest.New(t, device.Options{PIN: "1234"}, Applet)
	h := devicetest.Connect(t, d, 1)
	refused := func(want apdu.StatusWord) {
		t.Helper()
		h.OK(hosttest.SelectIMK)
		h.SW(want, "8071000000")
		h.SW(want, hosttest.ShowCode)
		h.SW(want, "8073800000")
		h.OK(hosttest.SelectCardManager)
		h.OK(hosttest.ReadCertificate)
		h.OK("FFDA4654056162636465" + "00")
		require.Empty(t, devicetest.ShownCode(d))
	}
	require.True(t, d.Status().Locked)
	refused(apdu.PINNotVerified)
	require.ErrorIs(t, d.Menu(), device.ErrLocked)
	require.NoError(t, d.Home())
	require.True(t, d.Status().Locked)

	require.NoError(t, d.Unlock("1234"))
	require.Equal(t, hosttest.Unbound, h.Check())
	require.NoError(t, d.Menu())
	refused(apdu.InMenu)
	require.NoError(t, d.Home())
	h.Bind()
	require.NoError(t, d.Create(12))
	refused(apdu.InMenu)
	require.NoError(t, d.Lock())
	refused(apdu.PINNotVerified)
}
