package devicesim

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
)

// TestWhenACodeAppears is the table of section 5, row by row.
func TestWhenACodeAppears(t *testing.T) {
	// shown, by the table's last column: on BIND_CHECK, and after 8072.
	row := func(t *testing.T, h *host, status byte, atOnce bool, onRequest bool) {
		t.Helper()
		require.Equal(t, status, h.check())
		require.Equal(t, atOnce, shownCode(h.d) != "", "%q", h.d.Status().Screen)
		require.NoError(t, h.d.Home())
		require.Empty(t, shownCode(h.d), "home takes the code away")
		if onRequest {
			h.ok(showCode)
			require.NotEmpty(t, shownCode(h.d))
			require.NoError(t, h.d.Home())
		} else {
			h.sw(apdu.ConditionsNotSatisfied, showCode)
			require.Empty(t, shownCode(h.d))
		}
	}
	t.Run("new", func(t *testing.T) {
		d := newDevice(t, Options{})
		row(t, newHost(t, d, 1), statusUnbound, true, true)
	})
	t.Run("new, restored", func(t *testing.T) {
		d := newDevice(t, Options{Mnemonic: testMnemonic})
		row(t, newHost(t, d, 1), statusUnbound, true, true)
	})
	t.Run("reset", func(t *testing.T) {
		d := newDevice(t, Options{Mnemonic: testMnemonic})
		h := newHost(t, d, 1)
		old := h.bind()
		require.NoError(t, d.Reset())
		require.False(t, d.Status().Wallet)
		require.Equal(t, "none", d.Status().Binding)
		h.ok(selectIMK)
		h.sw(apdu.ConditionsNotSatisfied, showCode) // none is drawn yet
		require.Equal(t, byte(statusUnbound), h.check())
		require.NotEqual(t, old, shownCode(d))
		require.Equal(t, "code-shown", d.Status().Binding)
		require.Equal(t, byte(statusWrongCode), h.verify(old))
	})
	t.Run("unbound, code drawn, another host", func(t *testing.T) {
		d := newDevice(t, Options{})
		h := newHost(t, d, 1)
		h.check()
		code := shownCode(d)
		require.NoError(t, d.Home())
		row(t, h.as(2), statusUnbound, false, true)
		row(t, h, statusUnbound, false, true)
		h.ok(showCode)
		require.Equal(t, code, shownCode(d), "a code lives until the reset")
	})
	t.Run("bound to this", func(t *testing.T) {
		d := newDevice(t, Options{})
		h := newHost(t, d, 1)
		h.bind()
		row(t, h, statusBoundToThis, false, true)
	})
	t.Run("bound to another", func(t *testing.T) {
		d := newDevice(t, Options{})
		h := newHost(t, d, 1)
		code := h.bind()
		row(t, h.as(2), statusBoundElsewhere, false, false)

		// The same code binds the other; now the first one is the other.
		require.Equal(t, byte(statusRightCode), h.as(2).verify(code))
		row(t, h.as(2), statusBoundToThis, false, true)
		row(t, h, statusBoundElsewhere, false, false)

		// Who has not said who it is sees nothing either.
		require.NoError(t, h.link.Close())
		again := newHost(t, d, 2)
		again.ok(selectIMK)
		again.sw(apdu.ConditionsNotSatisfied, showCode)
	})
}

// TestCodeBlocksNothing: with a code on the screen every command is answered, and binding takes the code away.
func TestCodeBlocksNothing(t *testing.T) {
	d := newDevice(t, Options{})
	h := newHost(t, d, 1)
	require.Equal(t, "none", d.Status().Binding)
	h.check()
	code := shownCode(d)
	require.Equal(t, "code-shown", d.Status().Binding)
	for _, b := range []Button{OK, Up, Down} {
		require.NoError(t, d.Press(b))
		require.Equal(t, code, shownCode(d))
	}
	h.ok(selectCM)
	h.ok(certificateRead)
	h.check()
	require.Equal(t, code, shownCode(d))
	require.Equal(t, byte(statusWrongCode), h.verify(wrong(code)))
	require.Equal(t, code, shownCode(d), "a wrong code leaves the right one to be read")
	require.Equal(t, 9, d.Status().CodeAttemptsLeft)
	require.Equal(t, byte(statusRightCode), h.verify(code))
	require.Empty(t, shownCode(d))
	s := d.Status()
	require.Equal(t, "bound", s.Binding)
	require.Equal(t, 10, s.CodeAttemptsLeft)

	h.ok(showCode)
	require.NoError(t, d.Press(Cancel))
	require.Empty(t, shownCode(d), "cancel goes home")
}

func TestApproveNeverClosesACode(t *testing.T) {
	for _, approve := range []Approve{Yes, No} {
		d := newDevice(t, Options{Approve: approve, ConfirmBinding: true})
		h := newHost(t, d, 1)
		h.check()
		code := shownCode(d)
		require.NotEmpty(t, code)
		if approve == Yes {
			require.Equal(t, byte(statusRightCode), h.verify(code))
			continue
		}
		_, sw := h.raw(h.proof(code))
		require.Equal(t, apdu.Declined, sw)
		require.Equal(t, code, shownCode(d))
		require.Equal(t, "code-shown", d.Status().Binding)
	}
}

func TestTenWrongCodes(t *testing.T) {
	lock := func(t *testing.T, o Options) (*Device, *host, string) {
		d := newDevice(t, o)
		h := newHost(t, d, 1)
		if o.PIN != "" {
			require.NoError(t, d.Unlock(o.PIN))
		}
		h.check()
		code := shownCode(d)
		require.NoError(t, d.Home())
		for i := range 10 {
			require.Equal(t, 10-i, d.Status().CodeAttemptsLeft)
			require.Equal(t, byte(statusWrongCode), h.verify(wrong(code)))
		}
		require.Zero(t, d.Status().CodeAttemptsLeft)
		_, sw := h.raw(h.proof(code))
		require.Equal(t, apdu.ConditionsNotSatisfied, sw)
		require.Equal(t, byte(statusUnbound), h.check(), "the rest works")
		return d, h, code
	}
	t.Run("OK held", func(t *testing.T) {
		d, h, code := lock(t, Options{})
		require.NoError(t, d.Press(OK))
		require.Zero(t, d.Status().CodeAttemptsLeft, "pressing is not holding")
		require.NoError(t, d.Hold(OK))
		require.Equal(t, byte(statusRightCode), h.verify(code))
	})
	t.Run("control call without a PIN", func(t *testing.T) {
		d, h, code := lock(t, Options{})
		require.ErrorIs(t, d.Unlock("1234"), ErrNoPIN)
		require.NoError(t, d.Unlock(""))
		require.Equal(t, byte(statusRightCode), h.verify(code))
	})
	t.Run("PIN", func(t *testing.T) {
		d, h, code := lock(t, Options{PIN: "1234"})
		require.ErrorIs(t, d.Unlock(""), ErrPINFormat)
		require.NoError(t, d.Hold(OK))
		require.Zero(t, d.Status().CodeAttemptsLeft, "with a PIN it takes the PIN")
		require.NoError(t, d.Unlock("1234"))
		require.Equal(t, byte(statusRightCode), h.verify(code))
	})
	t.Run("a power cut does not help", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "state.json")
		d, _, code := lock(t, Options{StateFile: file})
		require.NoError(t, d.PowerCut())
		require.NoError(t, d.Plug())
		h := newHost(t, d, 1)
		h.check()
		_, sw := h.raw(h.proof(code))
		require.Equal(t, apdu.ConditionsNotSatisfied, sw)
		require.NoError(t, d.Close())

		d = newDevice(t, Options{StateFile: file})
		require.Zero(t, d.Status().CodeAttemptsLeft)
		h = newHost(t, d, 1)
		h.check()
		_, sw = h.raw(h.proof(code))
		require.Equal(t, apdu.ConditionsNotSatisfied, sw)
	})
}

// TestGates: what a locked device and one in its menu answer.
func TestGates(t *testing.T) {
	d := newDevice(t, Options{PIN: "1234"})
	h := newHost(t, d, 1)
	refused := func(want apdu.StatusWord) {
		t.Helper()
		h.ok(selectIMK)
		h.sw(want, "8071000000")
		h.sw(want, showCode)
		h.sw(want, "8073800000")
		h.ok(selectCM)
		h.ok(certificateRead)
		h.ok("FFDA4654056162636465" + "00")
		require.Empty(t, shownCode(d))
	}
	require.True(t, d.Status().Locked)
	refused(apdu.PINNotVerified)
	require.ErrorIs(t, d.Menu(), ErrLocked)
	require.NoError(t, d.Home())
	require.True(t, d.Status().Locked)

	require.NoError(t, d.Unlock("1234"))
	require.Equal(t, byte(statusUnbound), h.check())
	require.NoError(t, d.Menu())
	refused(apdu.InMenu)
	require.NoError(t, d.Home())
	h.bind()
	require.NoError(t, d.Create(12))
	refused(apdu.InMenu)
	require.NoError(t, d.Lock())
	refused(apdu.PINNotVerified)
}
