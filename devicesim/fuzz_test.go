package devicesim

import (
	"encoding/hex"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/apdu"
	"imkey-connect/core/frame"
	"imkey-connect/devicesim/usb"
)

// sane is what no input from a host may break: the device answers, is whose it was, and still knows its code.
func sane(t *testing.T, d *Device, h *host, before Status) {
	t.Helper()
	after := d.Status()
	require.Equal(t, before.Serial, after.Serial)
	require.Equal(t, before.SEID, after.SEID)
	require.Equal(t, before.Wallet, after.Wallet)
	require.Equal(t, before.Binding == "bound", after.Binding == "bound", "nobody guesses a proof")
	require.LessOrEqual(t, after.CodeAttemptsLeft, before.CodeAttemptsLeft)
	require.Len(t, after.Screen, Lines)
	h.idle()
	h.ok(selectCM)
	require.Equal(t, after.Serial, string(h.ok("80CA004400")))
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
	pub := hex.EncodeToString(newKey(1).PubKey().SerializeUncompressed())
	f.Add(join(selectCM, "80CB800005DFFF028101", "80CA004400", certificateRead, "00D6FEED01"), false)
	f.Add(join(selectIMK, "8071000041"+pub+"00", showCode, "8073800071"+pub+strings.Repeat("11", 48)+"00"), true)
	f.Add(join("FFDA46540A68656C6C6F696D6B657900", "FFDB465400", "FFDCFEED00", "00A4040005695F65746800"), false)
	f.Fuzz(func(t *testing.T, in []byte, bound bool) {
		d := newDevice(t, Options{})
		h := newHost(t, d, 1)
		if bound {
			h.bind()
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
			data, sw := h.raw(message)
			require.NotZero(t, sw)
			require.NotEqual(t, errFault, sw)
			if sw != apdu.OK {
				require.Empty(t, data)
			}
		}
		sane(t, d, h, before)
	})
}

// FuzzPackets sends packets of any length; the device never hangs and is idle after a bounded number of CANCELs.
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
		port := h.link.(*link).host
		for count := 0; len(in) > 0 && count < 200; count++ {
			n := min(int(in[0])%65, len(in)-1)
			_, err := port.Out(t.Context(), usb.EndpointOut, in[1:1+n])
			require.NoError(t, err)
			in = in[1+n:]
		}
		// Whatever is on its way, a CANCEL comes to its answer: nothing here waits for a person.
		h.send(frame.Cancel())
		for h.receive() != frame.Error(frame.InvalidCommand) {
		}
		require.NoError(t, h.link.Reset(t.Context()))
		sane(t, d, h, before)
	})
}

// FuzzState: whatever is read back as a state is one that the device writes in the same way.
func FuzzState(f *testing.F) {
	for _, o := range []Options{{Rand: seeded(1)}, {Rand: seeded(2), SEID: strings.Repeat("AB", 16), Serial: "X1"}} {
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

// TestNoGoroutineStays: a device costs none when it is closed, and none while it is idle.
func TestNoGoroutineStays(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		d, err := New(Options{ConfirmBinding: true})
		require.NoError(t, err)
		h := newHost(t, d, 1)
		asks(t, d, h)
		require.NoError(t, d.Close())
	}
	deadline := time.After(patience)
	for runtime.NumGoroutine() > before {
		select {
		case <-deadline:
			require.FailNow(t, "goroutines stay", "%d, then %d", before, runtime.NumGoroutine())
		default:
			runtime.Gosched()
		}
	}
}
