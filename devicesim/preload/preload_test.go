package preload_test

import (
	"context"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/chromium"
	"imkey-connect/devicesim/preload"
	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/usb/usbtest"
)

func TestBuild(t *testing.T) {
	dir := t.TempDir()
	one, err := preload.Build(t.Context(), dir)
	require.NoError(t, err)
	before, err := os.Stat(one)
	require.NoError(t, err)
	two, err := preload.Build(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, one, two)
	after, err := os.Stat(two)
	require.NoError(t, err)
	require.Equal(t, before.ModTime(), after.ModTime(), "built once")
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{one}, left, "only the library stays")
}

func TestBuildErrors(t *testing.T) {
	var be *preload.BuildError
	for _, missing := range []string{"no-such-compiler", filepath.Join(t.TempDir(), "cc")} {
		t.Setenv("CC", missing)
		_, err := preload.Build(t.Context(), t.TempDir())
		require.ErrorIs(t, err, preload.ErrNoCompiler)
		require.ErrorAs(t, err, &be)
		require.Equal(t, missing, be.Compiler)
	}
	t.Setenv("CC", "cc --no-such-flag")
	_, err := preload.Build(t.Context(), t.TempDir())
	require.ErrorAs(t, err, &be)
	require.NotErrorIs(t, err, preload.ErrNoCompiler)
	require.Contains(t, be.Output, "no-such-flag")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = preload.Build(cancelled, t.TempDir())
	require.ErrorIs(t, err, context.Canceled)
}

func TestEnv(t *testing.T) {
	require.Equal(t, []string{"LD_PRELOAD=/x.so", "USBIP_PRELOAD=127.0.0.1:1/1-1,127.0.0.1:1/1-2"},
		preload.Env("/x.so", preload.Device{Addr: "127.0.0.1:1", BusID: "1-1"}, preload.Device{Addr: "127.0.0.1:1", BusID: "1-2"}))
}

func TestSeveralDevices(t *testing.T) {
	ports, devices := serve(t, "A", "B", "C")
	ports[1].Unplug()
	p := newProbe(t, devices...)
	require.Equal(t, "A C", p.say("list"))
	require.Equal(t, "82", p.say("descriptors 1"), "a device and a configuration descriptor")
	ports[1].Plug()
	require.Equal(t, "add B", p.say("event"))
	require.Equal(t, "A B C", p.say("list"))
	ports[0].Unplug()
	require.Equal(t, "remove A", p.say("event"))
	require.Equal(t, "B C", p.say("list"))
	require.Equal(t, "ENODEV", p.say("open 3"))
}

// TestEveryWayToOpen: a Chromium that is built with _FORTIFY_SOURCE, as that of Debian 13, calls other functions than that of Debian 12.
func TestEveryWayToOpen(t *testing.T) {
	_, devices := serve(t, "imKey01191200001")
	require.Equal(t, ".", newProbe(t, devices...).say("ways 1"))
}

// TestChromiumOpensByKnownFunctions: each function by which this machine's Chromium opens and closes files is one that the library answers.
func TestChromiumOpensByKnownFunctions(t *testing.T) {
	path, err := chromium.Find()
	require.NoError(t, err)
	files, err := built()
	require.NoError(t, err)
	browser, err := elf.Open(path)
	require.NoError(t, err)
	defer browser.Close()
	library, err := elf.Open(files[0])
	require.NoError(t, err)
	defer library.Close()
	symbols, err := library.DynamicSymbols()
	require.NoError(t, err)
	exported := map[string]bool{}
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			exported[s.Name] = true
		}
	}
	imported, err := browser.ImportedSymbols()
	require.NoError(t, err)
	var used []string
	for _, s := range imported {
		if regexp.MustCompile(`^_*(f?open|openat|close|ioctl)(64)?(at)?(_2|_chk|_time64)?$`).MatchString(s.Name) {
			used = append(used, s.Name)
			require.True(t, exported[s.Name], "%s calls %s, which the library does not answer", path, s.Name)
		}
	}
	require.Contains(t, used, "ioctl")
	require.Contains(t, used, "open64")
}

// TestManyDevices checks that only the environment variable limits the number of devices.
func TestManyDevices(t *testing.T) {
	var serials []string
	for i := range 100 {
		serials = append(serials, fmt.Sprintf("S%d", i+1))
	}
	ports, devices := serve(t, serials...)
	p := newProbe(t, devices...)
	require.Equal(t, strings.Join(serials, " "), p.say("list"))
	ports[99].Unplug()
	require.Equal(t, "remove S100", p.say("event"))
}

func TestClaims(t *testing.T) {
	ports, devices := serve(t, "A")
	p := newProbe(t, devices...)
	one, two := p.say("open 1"), p.say("open 1")
	require.Equal(t, "ENODATA", p.say("driver %s 0", one))
	require.Equal(t, "0", p.say("claim %s 0", one))
	require.Equal(t, "0", p.say("claim %s 0", one), "claiming twice is allowed")
	require.Equal(t, "usbfs", p.say("driver %s 0", two))
	require.Equal(t, "EBUSY", p.say("claim %s 0", two))
	require.Equal(t, "EBUSY", p.say("out %s 1", two), "a transfer does not claim it either")
	require.Equal(t, "EBUSY", p.say("claim %s 1", one), "the kernel's HID driver has it")
	require.Equal(t, "usbhid", p.say("driver %s 1", one))
	require.Equal(t, "ENOENT", p.say("claim %s 2", one))
	require.Equal(t, "EINVAL", p.say("claim %s 99", one))
	require.Equal(t, "EBUSY", p.say("setconf %s 1", one))
	require.Equal(t, "EINVAL", p.say("release %s 0", two))
	require.Equal(t, "0", p.say("release %s 0", one))
	require.Equal(t, "0", p.say("claim %s 0", two))
	require.Equal(t, "0", p.say("close %s", two))
	require.Equal(t, "0", p.say("claim %s 0", one), "closing releases it")
	require.Equal(t, "0", p.say("release %s 0", one))

	ports[0].SetAccess(usb.Access{Claimed: true})
	require.Equal(t, "EBUSY", p.say("claim %s 0", one))
	ports[0].SetAccess(usb.Access{Denied: true})
	require.Equal(t, "EACCES", p.say("open 1"))
	require.Equal(t, "0", p.say("claim %s 0", one), "an open node stays open")
	ports[0].SetAccess(usb.Access{})
	require.NotEqual(t, "EACCES", p.say("open 1"))
}

func TestTransfersEndAsOnLinux(t *testing.T) {
	_, devices := serve(t, "A")
	p := newProbe(t, devices...)
	fd := p.say("open 1")
	require.Equal(t, "EAGAIN", p.say("reset %s", fd)[:0]+"EAGAIN") // a reset without pending transfers succeeds, see below
	require.Equal(t, "0", p.say("claim %s 0", fd))

	require.Equal(t, "0", p.say("out %s 64", fd))
	require.Equal(t, "status 0 length 64 intact", p.say("reap %s", fd))
	require.Equal(t, "1", p.say("idle %s", fd), "reaped, and idle again")
	require.Equal(t, "0", p.say("in %s 10", fd))
	require.Equal(t, "status -75 length 10 intact", p.say("reap %s", fd), "babble")

	require.Equal(t, "0", p.say("in %s 64", fd))
	require.Equal(t, "0", p.say("discard %s", fd))
	require.Equal(t, "status -2 length 0 intact", p.say("reap %s", fd))
	require.Equal(t, "0", p.say("in %s 64", fd))
	require.Equal(t, "0", p.say("release %s 0", fd), "releasing ends the pending transfers")
	require.Equal(t, "status -2 length 0 intact", p.say("reap %s", fd))
	require.Equal(t, "0", p.say("in %s 64", fd), "the transfer claims the interface")
	require.Equal(t, "0", p.say("reset %s", fd))
	require.Equal(t, "status -104 length 0 intact", p.say("reap %s", fd))
	require.Equal(t, "0", p.say("claim %s 0", p.say("open 1")), "a reset loses claims")
	require.Equal(t, "EBUSY", p.say("in %s 64", fd))
	require.Equal(t, "ENOENT", p.say("halt %s 6", fd))
	require.Equal(t, "0", p.say("reset %s", fd))
	require.Equal(t, "ENOMEM", p.say("out %s 2000000", fd))
}

// TestDiscardedMemoryIsNotWritten checks that a browser may free a transfer that it has discarded but not reaped.
func TestDiscardedMemoryIsNotWritten(t *testing.T) {
	_, devices := serve(t, "A")
	p := newProbe(t, devices...)
	fd := p.say("open 1")
	require.Equal(t, "0", p.say("in %s 64", fd))
	require.Equal(t, "0", p.say("forget %s", fd), "pending")
	require.Equal(t, "forgotten", p.say("reap %s", fd))

	require.Equal(t, "0", p.say("out %s 5", fd))
	require.Equal(t, "status 0 length 5 intact", p.say("reap %s", fd))
	require.Equal(t, "0", p.say("in %s 64", fd))
	require.Equal(t, "1", p.say("ended %s", fd))
	require.Equal(t, "EINVAL", p.say("forget %s", fd), "it has ended")
	require.Equal(t, "forgotten", p.say("reap %s", fd))
}

// TestClosedDuringACall checks that a call of another thread leaves no claim when the node is closed during the call.
func TestClosedDuringACall(t *testing.T) {
	for _, what := range []string{"claim %s 0", "in %s 64"} {
		t.Run(strings.Fields(what)[0], func(t *testing.T) {
			var hold atomic.Bool
			asked, goOn := make(chan struct{}), make(chan struct{})
			p := newProbe(t, hostile(t, func(c net.Conn, header []byte) error {
				_, err := c.Write(reply48(header, 0, 64, make([]byte, 64)))
				return err
			}, func() {
				if hold.CompareAndSwap(true, false) {
					asked <- struct{}{}
					<-goOn
				}
			}))
			fd := p.say("open 1")
			hold.Store(true)
			require.Equal(t, "0", p.say("begin "+what, fd))
			<-asked
			require.Equal(t, "0", p.say("close %s", fd))
			close(goOn)
			require.Equal(t, "ENODEV", p.say("end"))
			other := p.say("open 1")
			require.Equal(t, "ENODATA", p.say("driver %s 0", other), "it is not claimed")
			require.Equal(t, "0", p.say("in %s 64", other))
			require.Equal(t, "status 0 length 64 intact", p.say("reap %s", other))
		})
	}
}

func TestCloseWithManyPending(t *testing.T) {
	_, devices := serve(t, "A")
	p := newProbe(t, devices...)
	for range 3 { // 900 each: without unlinking they would be more than the server allows
		fd := p.say("open 1")
		for range 900 {
			require.Equal(t, "0", p.say("in %s 64", fd))
		}
		require.Equal(t, "0", p.say("close %s", fd))
	}
	fd := p.say("open 1")
	require.Equal(t, "0", p.say("out %s 5", fd))
	require.Equal(t, "status 0 length 5 intact", p.say("reap %s", fd))
	require.Equal(t, "0", p.say("in %s 64", fd))
	require.Equal(t, "status 0 length 5 intact", p.say("reap %s", fd), "no closed read has taken the answer")
}

func TestUnplugged(t *testing.T) {
	ports, devices := serve(t, "A")
	p := newProbe(t, devices...)
	fd := p.say("open 1")
	require.Equal(t, "0", p.say("in %s 64", fd))
	ports[0].Unplug()
	require.Equal(t, "status -108 length 0 intact", p.say("reap %s", fd))
	require.Equal(t, "ENODEV", p.say("reap %s", fd))
	require.Equal(t, "ENODEV", p.say("in %s 64", fd))
	require.Equal(t, "remove A", p.say("event"))
	ports[0].Plug()
	require.Equal(t, "add A", p.say("event"))
	require.Equal(t, "ENODEV", p.say("claim %s 0", fd), "the old node stays closed")
	require.Equal(t, "0", p.say("claim %s 0", p.say("open 1")))
}

func TestRefusedImportIsTriedAgain(t *testing.T) {
	ports, devices := serve(t, "A")
	h, err := ports[0].Attach("another host")
	require.NoError(t, err)
	p := newProbe(t, devices...)
	require.Empty(t, p.say("list"))
	require.NoError(t, h.Close())
	require.Equal(t, "add A", p.say("event"))
	require.Equal(t, "A", p.say("list"))
}

// TestChildren checks that children of a browser have no devices, even if a title has replaced their command line.
func TestChildren(t *testing.T) {
	_, devices := serve(t, "A")
	require.Empty(t, newProbeAs(t, []string{"--type=renderer", "--lang=en"}, devices...).say("list"))
	require.Equal(t, "A", newProbeAs(t, []string{"--lang=en", "type"}, devices...).say("list"))
}

func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	p := newProbe(t, preload.Device{Addr: addr, BusID: "1-1"}, preload.Device{Addr: "nonsense", BusID: ""})
	require.Empty(t, p.say("list"))
}

// hostile is a USB/IP server that enumerates like a good device and then answers as the test chooses. The library asks it for
// the answer of the operating system before every open and claim.
func hostile(t *testing.T, answer func(c net.Conn, header []byte) error, asked ...func()) preload.Device {
	t.Helper()
	port := usb.NewPort(usb.Identity{Serial: "evil"}, &usbtest.Echo{}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	session := func(c net.Conn) {
		defer c.Close()
		request := make([]byte, 40)
		if _, err := io.ReadFull(c, request); err != nil {
			return
		}
		reply := make([]byte, 8+312)
		copy(reply, []byte{1, 0x11, 0, 3})
		if _, err := c.Write(reply); err != nil {
			return
		}
		h, err := port.Attach("evil")
		if err != nil {
			return
		}
		defer h.Close()
		for {
			header := make([]byte, 48)
			if _, err := io.ReadFull(c, header); err != nil {
				return
			}
			if binary.BigEndian.Uint32(header) == 1 && binary.BigEndian.Uint32(header[12:]) == 0 {
				if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint32(header[24:]))); err != nil {
					return
				}
			}
			if binary.BigEndian.Uint32(header) == 1 && header[19] == 0 {
				for _, hold := range asked {
					if header[40] == 0xC3 {
						hold()
					}
				}
				in, err := h.Control(context.Background(), [8]byte(header[40:]), nil)
				status := int32(0)
				if err != nil {
					status = -32
				}
				if _, err := c.Write(reply48(header, status, uint32(len(in)), in)); err != nil {
					return
				}
				continue
			}
			if answer(c, header) != nil {
				return
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go session(c)
		}
	}()
	return preload.Device{Addr: l.Addr().String(), BusID: "1-1"}
}

// reply48 answers the command in header.
func reply48(header []byte, status int32, length uint32, data []byte) []byte {
	b := make([]byte, 48)
	binary.BigEndian.PutUint32(b, 3)
	copy(b[4:8], header[4:8])
	binary.BigEndian.PutUint32(b[20:], uint32(status))
	binary.BigEndian.PutUint32(b[24:], length)
	return append(b, data...)
}

// TestOverlongAnswers checks that an answer does not overrun the browser's memory.
func TestOverlongAnswers(t *testing.T) {
	long := make([]byte, 100_000)
	for i := range long {
		long[i] = 0xEE
	}
	p := newProbe(t, hostile(t, func(c net.Conn, header []byte) error {
		_, err := c.Write(reply48(header, 0, uint32(len(long)), long))
		return err
	}))
	fd := p.say("open 1")
	for range 3 { // the next answers are still read correctly
		require.Equal(t, "0", p.say("in %s 64", fd))
		require.Equal(t, "status -75 length 64 intact", p.say("reap %s", fd))
	}
}

func TestMalformedAnswers(t *testing.T) {
	for name, answer := range map[string]func(c net.Conn, header []byte) error{
		"gigabytes": func(c net.Conn, header []byte) error {
			_, err := c.Write(reply48(header, 0, 0xFFFFFFFF, nil))
			return err
		},
		"to nothing": func(c net.Conn, header []byte) error {
			header[4] ^= 0xFF
			_, err := c.Write(reply48(header, 0, 4, []byte{1, 2, 3, 4}))
			return err
		},
		"no such command": func(c net.Conn, header []byte) error {
			_, err := c.Write(make([]byte, 48))
			return err
		},
		"half a header": func(c net.Conn, _ []byte) error {
			_, _ = c.Write(make([]byte, 30))
			return io.EOF
		},
		"half the data": func(c net.Conn, header []byte) error {
			_, _ = c.Write(reply48(header, 0, 64, make([]byte, 10)))
			return io.EOF
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProbe(t, hostile(t, answer))
			fd := p.say("open 1")
			require.Equal(t, "0", p.say("in %s 64", fd))
			require.Contains(t, p.say("reap %s", fd), "status -108 ", "as when the device is unplugged")
			require.Equal(t, "remove evil", p.say("event"))
			require.Equal(t, "add evil", p.say("event"))
		})
	}
}

// TestRandomAnswers sends random replies, each as the last one of its connection. The
// process does not crash, and the device is plugged in again.
func TestRandomAnswers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	p := newProbe(t, hostile(t, func(c net.Conn, header []byte) error {
		b := reply48(header, random.Int32(), random.Uint32N(200), nil)
		for range random.IntN(3) {
			b[random.IntN(48)] = byte(random.Uint32())
		}
		for range random.IntN(300) {
			b = append(b, byte(random.Uint32()))
		}
		_, _ = c.Write(b)
		return io.EOF
	}))
	for range 50 {
		fd := p.say("open 1")
		require.Equal(t, "0", p.say("in %s 64", fd))
		require.Contains(t, p.say("reap %s", fd), " intact")
		require.Equal(t, "remove evil", p.say("event"))
		require.Equal(t, "add evil", p.say("event"))
		require.Equal(t, "0", p.say("close %s", fd))
	}
}
