package usbip_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/usb/usbtest"
	"imkey-connect/devicesim/usbip"
)

func TestDeviceList(t *testing.T) {
	one, two, three, four := newPort(&usbtest.Echo{}), newPort(&usbtest.Echo{}), newPort(&usbtest.Echo{}), newPort(&usbtest.Echo{})
	two.Unplug()
	addr, _ := serve(t, one, two, three, four)
	require.Zero(t, dial(t, addr).importDevice("1-4"))
	c := dial(t, addr)
	c.write(operation(0x8005))
	h := c.read(12)
	require.Equal(t, []byte{1, 0x11, 0, 5, 0, 0, 0, 0, 0, 0, 0, 2}, h, "two are plugged in and free")
	for _, id := range []string{"1-1", "1-3"} {
		r := c.read(312 + 8)
		require.Equal(t, id+"\x00", string(r[256:260]))
		require.Equal(t, uint16(0x096E), binary.BigEndian.Uint16(r[300:]))
		require.Equal(t, uint16(0x0891), binary.BigEndian.Uint16(r[302:]))
		require.Equal(t, byte(2), r[311], "interfaces")
		require.Equal(t, []byte{0xFF, 0, 0, 0, 3, 0, 0, 0}, r[312:])
	}
	c.ends()
}

func TestImportRefused(t *testing.T) {
	one, two := newPort(&usbtest.Echo{}), newPort(&usbtest.Echo{})
	addr, ended := serve(t, one, two)
	first := imported(t, addr)
	require.Contains(t, one.HeldBy(), "USB/IP 127.0.0.1:")

	require.Equal(t, uint32(2), dial(t, addr).importDevice("1-1"), "in use")
	<-ended
	require.Zero(t, dial(t, addr).importDevice("1-2"), "the other one is free")
	for _, unknown := range []string{"1-3", "1-0", "2-1", "1-11", "", "1-1x"} {
		require.Equal(t, uint32(4), dial(t, addr).importDevice(unknown), unknown)
		<-ended
	}
	two.Unplug()
	<-ended // the connection that held it
	require.Equal(t, uint32(4), dial(t, addr).importDevice("1-2"), "not plugged in")
	<-ended

	first.Close()
	require.NoError(t, <-ended)
	require.Empty(t, one.HeldBy())
	require.Zero(t, dial(t, addr).importDevice("1-1"), "free again")
}

func TestControlTransfers(t *testing.T) {
	p := newPort(&usbtest.Echo{})
	addr, _ := serve(t, p)
	c := imported(t, addr)
	a := c.control(usb.Setup(0x80, 6, 0x0100, 0, 18))
	require.Zero(t, a.status)
	require.Equal(t, p.Descriptors().Device, a.data)
	a = c.control(usb.Setup(0x80, 6, 0x0F00, 0, 5))
	require.Equal(t, p.Descriptors().BOS[:5], a.data)
	a = c.control(usb.Setup(0xC0, 0x77, 0, 0, 8))
	require.Equal(t, answer{code: 3, seq: c.seq, status: -32, data: []byte{}}, a)
	require.Zero(t, c.control(usb.Setup(0, 9, 1, 0, 0)).status)

	// The directions of the transfer and of its setup packet differ.
	seq := c.submitFlags(true, 0, 0, 8, usb.Setup(0, 9, 1, 0, 0), nil)
	require.Equal(t, int32(-32), c.answers(seq, true).status)
}

func TestAccessIsAskedOfTheServer(t *testing.T) {
	var events atomic.Int32
	p := usb.NewPort(usb.Identity{}, &usbtest.Echo{}, func(usb.TapEvent) { events.Add(1) })
	addr, _ := serve(t, p)
	c := imported(t, addr)
	for access, want := range map[usb.Access]byte{{}: 0, {Denied: true}: 1, {Claimed: true}: 2, {Denied: true, Claimed: true}: 3} {
		p.SetAccess(access)
		require.Equal(t, []byte{want}, c.control(usb.Setup(0xC3, 0x69, 0, 0, 1)).data)
	}
	require.Equal(t, int32(1), events.Load(), "the device has seen only the attachment")
}

func TestBulkTransfers(t *testing.T) {
	addr, _ := serve(t, newPort(&usbtest.Echo{}))
	c := imported(t, addr)
	for _, n := range []int{0, 1, 63, 64} {
		a := c.answers(c.out(make([]byte, n)), false)
		require.Equal(t, n, a.actual)
		require.Zero(t, a.status)
		a = c.answers(c.in(5, 64), true)
		require.Zero(t, a.status)
		require.Len(t, a.data, n)
	}
	reads := []uint32{c.in(5, 64), c.in(5, 64), c.in(5, 64)}
	for i := range reads {
		c.out([]byte{byte(i)})
	}
	got := map[uint32]byte{}
	for range 2 * len(reads) {
		h := c.read(48)
		seq := binary.BigEndian.Uint32(h[4:])
		if seq <= reads[2] {
			got[seq] = c.read(1)[0]
		}
	}
	for i, seq := range reads {
		require.Equal(t, byte(i), got[seq], "served in order")
	}

	require.Equal(t, int32(-2), c.answers(c.in(6, 64), true).status, "no such endpoint")
	c.answers(c.out([]byte{1}), false)
	short := c.submitFlags(true, 5, 1, 64, [8]byte{}, nil)
	require.Equal(t, int32(-121), c.answers(short, true).status, "URB_SHORT_NOT_OK")
	zero := c.submitFlags(false, 4, 0x40, 64, [8]byte{}, make([]byte, 64))
	require.Equal(t, 64, c.answers(zero, false).actual)
	require.Len(t, c.answers(c.in(5, 128), true).data, 64, "URB_ZERO_PACKET ends the transfer")
}

func TestStallAndBabble(t *testing.T) {
	p := newPort(&usbtest.Echo{})
	addr, _ := serve(t, p)
	c := imported(t, addr)
	require.NoError(t, p.SetFaults([]usb.Fault{{On: "in", Packet: 1, Do: usb.DoStall}, {On: "in", Packet: 2, Do: usb.DoBabble}}))
	c.answers(c.out([]byte{1}), false)
	require.Equal(t, int32(-32), c.answers(c.in(5, 64), true).status)
	require.Equal(t, int32(-32), c.answers(c.in(5, 64), true).status)
	require.Zero(t, c.control(usb.Setup(2, 1, 0, 0x85, 0)).status)
	require.Equal(t, []byte{1}, c.answers(c.in(5, 64), true).data)

	c.answers(c.out([]byte{1}), false)
	a := c.answers(c.in(5, 64), true)
	require.Equal(t, int32(-75), a.status)
	require.Len(t, a.data, 64, "cut to the requested length")
	c.answers(c.out(make([]byte, 64)), false)
	a = c.answers(c.in(5, 10), true)
	require.Equal(t, int32(-75), a.status)
	require.Len(t, a.data, 10)
}

func TestUnlink(t *testing.T) {
	p := newPort(&usbtest.Echo{})
	addr, _ := serve(t, p)
	c := imported(t, addr)
	read := c.in(5, 64)
	require.Equal(t, answer{code: 4, seq: c.unlink(read), status: -104}, c.next(false))
	require.Equal(t, answer{code: 4, seq: c.unlink(read), status: 0}, c.next(false), "it is not pending any more")
	require.Equal(t, answer{code: 4, seq: c.unlink(9999), status: 0}, c.next(false))

	// The next read gets the packet for a read that was unlinked.
	c.answers(c.out([]byte{5}), false)
	require.Equal(t, []byte{5}, c.answers(c.in(5, 64), true).data)

	// An OUT transfer that a fault delays.
	require.NoError(t, p.SetFaults([]usb.Fault{{On: "out", Packet: 1, Do: usb.DoDelay, MS: 600_000}}))
	held := c.out([]byte{6})
	require.Equal(t, answer{code: 4, seq: c.unlink(held), status: -104}, c.next(false))
	p.ClearFaults() // the first one may have been unlinked before it was counted
	c.answers(c.out([]byte{7}), false)
	require.Equal(t, []byte{7}, c.answers(c.in(5, 64), true).data)
}

func TestResetReachesTheDevice(t *testing.T) {
	resets := make(chan struct{}, 1)
	p := usb.NewPort(usb.Identity{}, &usbtest.Echo{}, func(e usb.TapEvent) {
		if e.Text == "reset" {
			resets <- struct{}{}
		}
	})
	addr, _ := serve(t, p)
	c := imported(t, addr)
	c.answers(c.out([]byte{1}), false)
	c.control(usb.Setup(0x23, 3, 4, 0, 0))
	<-resets
	read := c.in(5, 64)
	c.submitFlags(false, 0, 0, 0, usb.Setup(0x23, 3, 4, 0, 0), nil)
	require.Equal(t, int32(-104), c.answers(read, true).status, "the echo was lost, the read is given up")
	require.Zero(t, c.next(false).status)
}

func TestUnplugClosesTheConnection(t *testing.T) {
	p := newPort(&usbtest.Echo{})
	addr, ended := serve(t, p)
	c := imported(t, addr)
	p.Unplug()
	require.NoError(t, <-ended)
	c.ends()
	p.Plug()
	imported(t, addr)
}

func TestServerStops(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := newPort(&usbtest.Echo{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- (&usbip.Server{Ports: []*usb.Port{p}}).Serve(ctx, l) }()
	c := imported(t, l.Addr().String())
	c.in(5, 64)
	idle := dial(t, l.Addr().String())
	cancel()
	require.NoError(t, <-done)
	c.ends()
	idle.ends()
	require.Empty(t, p.HeldBy())
}

func TestMalformedEndsTheConnection(t *testing.T) {
	p := newPort(&usbtest.Echo{Quiet: true})
	addr, ended := serve(t, p)
	refused := func(field string) {
		t.Helper()
		var pe *usbip.ProtocolError
		require.ErrorAs(t, <-ended, &pe)
		require.Equal(t, field, pe.Field)
	}
	for field, b := range map[string][]byte{
		"version":      {1, 6, 0x80, 5, 0, 0, 0, 0},
		"command code": operation(0x8007),
	} {
		c := dial(t, addr)
		c.write(b)
		refused(field)
		c.ends()
	}
	set := func(at int, v uint32) func(*client) []byte {
		return func(c *client) []byte {
			b := header(1, 1, c.devid, true, 5, 0, 64, [8]byte{})
			binary.BigEndian.PutUint32(b[at:], v)
			return b
		}
	}
	for _, bad := range []struct {
		field string
		bytes func(*client) []byte
	}{
		{"command", set(0, 3)},
		{"devid", set(8, 0x10003)},
		{"direction", set(12, 2)},
		{"ep", set(16, 16)},
		{"transfer_buffer_length", set(24, 1<<20+1)},
		{"transfer_buffer_length", set(24, 0xFFFFFFFF)},
		{"number_of_packets", set(32, 1)},
		{"seqnum", func(c *client) []byte {
			b := header(1, 1, c.devid, true, 5, 0, 64, [8]byte{})
			return append(b, b...)
		}},
		{"number of pending transfers", func(c *client) []byte {
			var b []byte
			for i := range uint32(2000) {
				b = append(b, header(1, i, c.devid, true, 5, 0, 64, [8]byte{})...)
			}
			return b
		}},
	} {
		c := imported(t, addr)
		_, err := c.Write(bad.bytes(c))
		require.NoError(t, err)
		refused(bad.field)
		require.Empty(t, p.HeldBy(), "the device is free again")
	}

	// Too much OUT data waits behind a delay.
	require.NoError(t, p.SetFaults([]usb.Fault{{On: "out", Packet: 1, Do: usb.DoDelay, MS: 600_000}}))
	full := imported(t, addr)
	go func() {
		for range 6 {
			b := header(1, full.seq, full.devid, false, 4, 0, 1<<20, [8]byte{})
			full.seq++
			if _, err := full.Write(append(b, make([]byte, 1<<20)...)); err != nil {
				return
			}
		}
	}()
	refused("bytes of pending transfers")

	// The client closes the connection in the middle of a header.
	c := imported(t, addr)
	c.write(make([]byte, 20))
	c.Close()
	require.ErrorIs(t, <-ended, io.ErrUnexpectedEOF)
}

// TestClientThatDoesNotRead checks that replies do not fill the memory.
func TestClientThatDoesNotRead(t *testing.T) {
	p := newPort(&usbtest.Echo{})
	addr, ended := serve(t, p)
	c := imported(t, addr)
	require.NoError(t, c.SetDeadline(time.Now().Add(2*time.Second)))
	request := header(1, 0, c.devid, true, 0, 0, 255, usb.Setup(0x80, 6, 0x0200, 0, 255))
	var err error
	sent := 0
	for seq := uint32(1); err == nil && sent < 1<<28; seq++ {
		binary.BigEndian.PutUint32(request[4:], seq)
		var n int
		n, err = c.Write(request)
		sent += n
	}
	var timeout net.Error
	require.True(t, errors.As(err, &timeout) && timeout.Timeout(), "the server stopped reading: %v", err)
	c.Close()
	<-ended
	require.Empty(t, p.HeldBy())
}

// TestALongSession sends many more OUT bytes in turn than may be pending at once.
func TestALongSession(t *testing.T) {
	addr, _ := serve(t, newPort(&usbtest.Echo{Quiet: true}))
	c := imported(t, addr)
	for range 6 {
		a := c.answers(c.out(make([]byte, 1<<20)), false)
		require.Zero(t, a.status)
		require.Equal(t, 1<<20, a.actual)
	}
}

// TestEachDeviceHasANumber checks that the commands of a connection must have the number of its device.
func TestEachDeviceHasANumber(t *testing.T) {
	addr, ended := serve(t, newPort(&usbtest.Echo{}), newPort(&usbtest.Echo{}))
	one, two := imported(t, addr), dial(t, addr)
	require.Zero(t, two.importDevice("1-2"))
	require.NotEqual(t, one.devid, two.devid)
	two.devid = one.devid
	two.out([]byte{1})
	var pe *usbip.ProtocolError
	require.ErrorAs(t, <-ended, &pe)
	require.Equal(t, "devid", pe.Field)
}

// TestASilentClientIsDisconnected checks that a client must send its first request in time.
func TestASilentClientIsDisconnected(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ends := make(chan error, 3)
	s := &usbip.Server{
		Ports: []*usb.Port{newPort(&usbtest.Echo{})}, RequestTimeout: 100 * time.Millisecond, Ended: func(_ net.Addr, err error) { ends <- err },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	defer func() {
		cancel()
		require.NoError(t, <-done)
	}()
	busy := imported(t, l.Addr().String())
	silent, slow := dial(t, l.Addr().String()), dial(t, l.Addr().String())
	slow.write(operation(0x8003)) // without a bus id
	for range 2 {
		require.ErrorIs(t, <-ends, os.ErrDeadlineExceeded)
	}
	silent.ends()
	slow.ends()
	require.Zero(t, busy.answers(busy.out([]byte{1}), false).status) // it connected first, so its time is over too
}

// FuzzConnection sends bytes as a client. The connection ends, the device is free
// again and works, and every reply is complete.
func FuzzConnection(f *testing.F) {
	importOne := append(operation(0x8003), []byte("1-1")...)
	importOne = append(importOne, make([]byte, 29)...)
	f.Add(operation(0x8005))
	f.Add(importOne)
	both := append([]byte{}, importOne...)
	both = append(both, header(1, 1, 0x10002, true, 5, 0, 64, [8]byte{})...)
	both = append(both, header(1, 2, 0x10002, false, 4, 0, 3, [8]byte{})...)
	both = append(both, 1, 2, 3)
	both = append(both, header(1, 3, 0x10002, true, 5, 0, 64, [8]byte{})...)
	both = append(both, header(2, 4, 0x10002, false, 0, 3, 0, [8]byte{})...)
	both = append(both, header(1, 5, 0x10002, true, 0, 0, 18, usb.Setup(0x80, 6, 0x100, 0, 18))...)
	f.Add(both)
	f.Fuzz(func(t *testing.T, data []byte) {
		p := newPort(&usbtest.Echo{})
		s := &usbip.Server{Ports: []*usb.Port{p}}
		here, there := net.Pipe()
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = s.ServeConn(context.Background(), there)
		}()
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			_, _ = io.Copy(io.Discard, here)
		}()
		_, _ = here.Write(data)
		here.Close()
		<-served
		<-drained
		if p.HeldBy() != "" {
			t.Fatal("the device is still held")
		}
		h, err := p.Attach("after")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Out(context.Background(), 4, []byte{1}); err != nil {
			t.Fatal(err)
		}
	})
}
