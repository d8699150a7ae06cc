package usbip_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
	"imkey-connect/devicesim/usbip"
)

func newPort(f usb.Function) *usb.Port {
	return usb.NewPort(usb.Identity{Serial: "imKey01191200001", Manufacturer: "imKey", Product: "imKey Pro", LandingURL: "https://wallet.example/"}, f, nil)
}

// serve exports ports on a free port of the loopback address. ended receives how each connection ended.
func serve(t *testing.T, ports ...*usb.Port) (addr string, ended <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ends := make(chan error, 100)
	s := &usbip.Server{Ports: ports, Ended: func(_ net.Addr, err error) { ends <- err }}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return l.Addr().String(), ends
}

// client is a USB/IP client that sends and receives bytes.
type client struct {
	t *testing.T
	net.Conn
	devid uint32
	seq   uint32
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
	return &client{t: t, Conn: c}
}

func (c *client) write(b []byte) {
	c.t.Helper()
	_, err := c.Write(b)
	require.NoError(c.t, err)
}

func (c *client) read(n int) []byte {
	c.t.Helper()
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	require.NoError(c.t, err)
	return b
}

// ends checks that the server has closed the connection.
func (c *client) ends() {
	c.t.Helper()
	_, err := c.Read(make([]byte, 1))
	require.Error(c.t, err)
	var timeout net.Error
	if e, ok := err.(net.Error); ok {
		timeout = e
	}
	require.False(c.t, timeout != nil && timeout.Timeout(), "the server kept the connection open")
}

func operation(code uint16) []byte {
	return []byte{0x01, 0x11, byte(code >> 8), byte(code), 0, 0, 0, 0}
}

func (c *client) importDevice(busID string) (status uint32) {
	c.t.Helper()
	b := append(operation(0x8003), make([]byte, 32)...)
	copy(b[8:], busID)
	c.write(b)
	h := c.read(8)
	require.Equal(c.t, []byte{1, 0x11, 0, 3}, h[:4])
	if status = binary.BigEndian.Uint32(h[4:]); status == 0 {
		record := c.read(312)
		require.Equal(c.t, busID, string(record[256:256+len(busID)]))
		require.Equal(c.t, uint32(2), binary.BigEndian.Uint32(record[296:]), "full speed")
		c.devid = binary.BigEndian.Uint32(record[288:])<<16 | binary.BigEndian.Uint32(record[292:])
	}
	return status
}

func imported(t *testing.T, addr string) *client {
	t.Helper()
	c := dial(t, addr)
	require.Zero(t, c.importDevice("1-1"))
	return c
}

// header returns the first 48 bytes of a command. Word 5 has the flags, or the transfer to unlink.
func header(code, seq, devid uint32, in bool, endpoint, word5 uint32, length int, setup [8]byte) []byte {
	b := make([]byte, 48)
	direction := uint32(0)
	if in {
		direction = 1
	}
	for i, v := range []uint32{code, seq, devid, direction, endpoint, word5, uint32(length), 0, 0xFFFFFFFF} {
		binary.BigEndian.PutUint32(b[4*i:], v)
	}
	copy(b[40:], setup[:])
	return b
}

func (c *client) submitFlags(in bool, endpoint, flags uint32, length int, setup [8]byte, out []byte) uint32 {
	c.t.Helper()
	c.seq++
	c.write(append(header(1, c.seq, c.devid, in, endpoint, flags, length, setup), out...))
	return c.seq
}

func (c *client) in(endpoint uint32, length int) uint32 {
	c.t.Helper()
	return c.submitFlags(true, endpoint, 0, length, [8]byte{}, nil)
}

func (c *client) out(data []byte) uint32 {
	c.t.Helper()
	return c.submitFlags(false, 4, 0, len(data), [8]byte{}, data)
}

func (c *client) unlink(victim uint32) uint32 {
	c.t.Helper()
	c.seq++
	c.write(header(2, c.seq, c.devid, false, 0, victim, 0, [8]byte{}))
	return c.seq
}

func (c *client) control(setup [8]byte) answer {
	c.t.Helper()
	n := int(binary.LittleEndian.Uint16(setup[6:]))
	if setup[0]&0x80 != 0 {
		return c.answers(c.submitFlags(true, 0, 0, n, setup, nil), true)
	}
	return c.answers(c.submitFlags(false, 0, 0, n, setup, make([]byte, n)), false)
}

type answer struct {
	code, seq uint32
	status    int32
	actual    int
	data      []byte
}

// next reads one reply. in says whether data follows a RET_SUBMIT.
func (c *client) next(in bool) answer {
	c.t.Helper()
	h := c.read(48)
	a := answer{code: binary.BigEndian.Uint32(h), seq: binary.BigEndian.Uint32(h[4:]), status: int32(binary.BigEndian.Uint32(h[20:]))}
	if a.code == 3 {
		a.actual = int(binary.BigEndian.Uint32(h[24:]))
		require.Equal(c.t, uint32(0xFFFFFFFF), binary.BigEndian.Uint32(h[32:]))
		if in {
			a.data = c.read(a.actual)
		}
	}
	return a
}

// answers reads one reply, which must have a sequence number.
func (c *client) answers(seq uint32, in bool) answer {
	c.t.Helper()
	a := c.next(in)
	require.Equal(c.t, seq, a.seq)
	return a
}
