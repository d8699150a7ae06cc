package device

import (
	"encoding/hex"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/frame"
	"imkey-connect/devicesim/applets"
	"imkey-connect/devicesim/device/hosttest"
	"imkey-connect/devicesim/usb"
)

// sane checks what no input of a host may change: the device answers, and its identity, its wallet and its binding are the same.
func sane(t *testing.T, d *Device, h *host, before Status) {
	t.Helper()
	after := d.Status()
	require.Equal(t, before.Serial, after.Serial)
	require.Equal(t, before.SEID, after.SEID)
	require.Equal(t, before.Wallet, after.Wallet)
	require.Equal(t, before.Binding == "bound", after.Binding == "bound", "random bytes are not a proof")
	require.LessOrEqual(t, after.CodeAttemptsLeft, before.CodeAttemptsLeft)
	require.Len(t, after.Screen, Lines)
	h.Idle()
	h.OK(hosttest.SelectCardManager)
	require.Equal(t, after.Serial, string(h.OK("80CA004400")))
	_, err := encodeState(d.memory)
	require.NoError(t, err)
	require.NoError(t, d.memory.check())
}

// FuzzAPDU sends APDUs, each after two bytes of length, to a device that is unbound or bound.
func FuzzAPDU(f *testing.F) {
	join := func(commands ...string) []byte {
		var b []byte
		for _, c := range commands {
			raw, err := hex.DecodeString(c)
			require.NoError(f, err)
			b = append(append(b, byte(len(raw)>>8), byte(len(raw))), raw...)
		}
		return b
	}
	pub := hex.EncodeToString(hosttest.NewKey(1).PubKey().SerializeUncompressed())
	f.Add(join(hosttest.SelectCardManager, "80CB800005DFFF028101", "80CA004400", hosttest.ReadCertificate, "00D6FEED01"), false)
	f.Add(join(hosttest.SelectIMK, "8071000041"+pub+"00", hosttest.ShowCode, "8073800071"+pub+strings.Repeat("11", 48)+"00"), true)
	f.Add(join("FFDA46540A68656C6C6F696D6B657900", "FFDB465400", "FFDCFEED00", "00A4040005695F65746800"), false)
	f.Fuzz(func(t *testing.T, in []byte, bound bool) {
		d := newDevice(t, Options{})
		h := newHost(t, d, 1)
		if bound {
			h.Bind()
		}
		before := d.Status()
		for len(in) >= 2 {
			n := (int(in[0])<<8 | int(in[1])) % (frame.MaxMessage + 1)
			in = in[2:]
			message := in[:min(n, len(in))]
			in = in[len(message):]
			if len(message) == 0 {
				continue
			}
			data, sw := h.Raw(message)
			require.NotZero(t, sw)
			require.NotEqual(t, errFault, sw)
			if sw != apdu.OK {
				require.Empty(t, data)
			}
		}
		sane(t, d, h, before)
	})
}

// FuzzPackets sends packets of any length. The device does not hang, and is idle after a CANCEL.
func FuzzPackets(f *testing.F) {
	cut := func(packets ...frame.Packet) (b []byte) {
		for _, p := range packets {
			b = append(append(b, 64), p[:]...)
		}
		return b
	}
	one, err := frame.Split([]byte{0, 0xA4, 4, 0, 0})
	require.NoError(f, err)
	long, err := frame.Split(make([]byte, 300))
	require.NoError(f, err)
	f.Add(cut(one...))
	f.Add(cut(long...))
	f.Add(cut(long[0], long[1], frame.Cancel(), one[0], long[2], frame.KeepAlive(1), frame.Error(6)))
	f.Add([]byte{0, 1, 0, 63, 1, 2, 3})
	f.Fuzz(func(t *testing.T, in []byte) {
		d := newDevice(t, Options{})
		h := newHost(t, d, 1)
		before := d.Status()
		port := h.Link.(*link).host
		for count := 0; len(in) > 0 && count < 200; count++ {
			n := min(int(in[0])%65, len(in)-1)
			_, err := port.Out(t.Context(), usb.EndpointOut, in[1:1+n])
			require.NoError(t, err)
			in = in[1+n:]
		}
		// A CANCEL is always answered, because no command here waits for the user.
		h.Send(frame.Cancel())
		for h.Receive() != frame.Error(frame.InvalidCommand) {
		}
		require.NoError(t, h.Link.Reset(t.Context()))
		sane(t, d, h, before)
	})
}

// FuzzState checks that a decoded state encodes to bytes that decode to the same state.
func FuzzState(f *testing.F) {
	for _, o := range []Options{{Rand: hosttest.Seeded(1)}, {Rand: hosttest.Seeded(2), SEID: strings.Repeat("AB", 16), Serial: "X1"}} {
		m, err := manufacture(o)
		require.NoError(f, err)
		b, err := encodeState(m)
		require.NoError(f, err)
		f.Add(b)
	}
	f.Add([]byte(`{"version":1,"sha256":"","device":{}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := decodeState("f", in)
		if err != nil {
			var state *StateError
			require.ErrorAs(t, err, &state)
			return
		}
		b, err := encodeState(m)
		require.NoError(t, err)
		again, err := decodeState("f", b)
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}

// FuzzPages checks that the pages of a question fit on the screen and show the whole texts, each from a new page on.
func FuzzPages(f *testing.F) {
	f.Add("Pay: 1.0 ETH", "To: 0x3535353535353535353535353535353535353535")
	f.Add("", "\n\n\n\n")
	f.Add(strings.Repeat("x", Columns), strings.Repeat("y", 3*Columns+1)+"\nz")
	f.Fuzz(func(t *testing.T, first, second string) {
		all := pages(first, second)
		for _, page := range all {
			require.NotEmpty(t, page)
			require.Less(t, len(page), Lines)
			for _, line := range page {
				require.LessOrEqual(t, len(line), Columns)
			}
		}
		shown := func(pages [][]string) (text string) {
			for _, page := range pages {
				text += strings.Join(page, "")
			}
			return text
		}
		count := len(pages(first))
		require.Equal(t, strings.ReplaceAll(first, "\n", ""), shown(all[:count]))
		require.Equal(t, strings.ReplaceAll(second, "\n", ""), shown(all[count:]))
	})
}

// TestNoGoroutineStays checks that a closed device has no goroutine.
func TestNoGoroutineStays(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		d, err := New(Options{ConfirmBinding: true, Applets: applets.All()})
		require.NoError(t, err)
		h := newHost(t, d, 1)
		asks(t, d, h)
		require.NoError(t, d.Close())
	}
	deadline := time.After(hosttest.Timeout)
	for runtime.NumGoroutine() > before {
		select {
		case <-deadline:
			require.FailNow(t, "goroutines stay", "%d, then %d", before, runtime.NumGoroutine())
		default:
			runtime.Gosched()
		}
	}
}
