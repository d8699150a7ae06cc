// Package usbip serves simulated devices over USB/IP 1.1.1: to `usbip attach` on any
// Linux, and to package preload, which plugs them into a Chromium.
//
// Device n, from 1 on, has the bus id "1-n". An import takes the device's [usb.Port]
// until the connection ends. It fails with status 2 if another host holds the device,
// and with status 4 if the device is unknown or not plugged in. The device list has
// the devices that can be imported, without those in use, as on a Linux server.
// Unplugging the device closes the connection.
//
// Two requests to endpoint 0 do not reach the device:
//
//   - SET_FEATURE(PORT_RESET), setup 23 03 04 00 00 00 00 00, resets the bus, as on a
//     Linux server.
//   - C3 69 00 00 00 00 01 00 answers one byte with the port's [usb.Access]: bit 0 is
//     "access denied", bit 1 is "another program has claimed the vendor interface".
//     Package preload sends it when Chromium opens the device or claims an interface,
//     so that a test can change both at run time. A Linux host does not send it.
package usbip

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"imkey-connect/devicesim/usb"
)

// Server exports devices. Set its fields before Serve.
type Server struct {
	Ports []*usb.Port // device n is Ports[n-1]
	// Ended, if not nil, is called at the end of each connection with the error of ServeConn.
	Ended func(remote net.Addr, err error)
	// RequestTimeout is the time in which a connection must send its first request. 0 means DefaultRequestTimeout.
	RequestTimeout time.Duration
}

// DefaultRequestTimeout is much longer than any client needs.
const DefaultRequestTimeout = 10 * time.Second

// Serve accepts connections until ctx ends. Then it closes l and all connections,
// waits for them and returns nil. If l fails, it returns that error.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	var connections sync.WaitGroup
	defer connections.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		c, err := l.Accept()
		if ctx.Err() != nil {
			if err == nil {
				c.Close()
			}
			return nil
		}
		if err != nil {
			l.Close()
			return err
		}
		connections.Go(func() {
			err := s.ServeConn(ctx, c)
			if s.Ended != nil {
				s.Ended(c.RemoteAddr(), err)
			}
		})
	}
}

// ServeConn serves one connection until either side ends it, and closes it. Errors
// are *ProtocolError and those of c. It returns nil if the client or ctx ended it.
func (s *Server) ServeConn(ctx context.Context, c net.Conn) error {
	defer context.AfterFunc(ctx, func() { c.Close() })()
	defer c.Close()
	err := s.request(ctx, c)
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// request serves the client's first request: the device list or an import.
func (s *Server) request(ctx context.Context, c net.Conn) error {
	if t, ok := c.(*net.TCPConn); ok {
		if err := t.SetNoDelay(true); err != nil { // a delayed reply costs the browser 40 ms
			return err
		}
	}
	if err := c.SetDeadline(time.Now().Add(cmp.Or(s.RequestTimeout, DefaultRequestTimeout))); err != nil {
		return err
	}
	var h [opHeaderSize]byte
	if _, err := io.ReadFull(c, h[:]); err != nil {
		return err
	}
	if v := binary.BigEndian.Uint16(h[:]); v != version {
		return &ProtocolError{"version", uint32(v)}
	}
	switch code := binary.BigEndian.Uint16(h[2:]); code {
	case opReqDevlist:
		_, err := c.Write(s.deviceList())
		return err
	case opReqImport:
		var busID [busIDSize]byte
		if _, err := io.ReadFull(c, busID[:]); err != nil {
			return err
		}
		return s.importDevice(ctx, c, busID)
	default:
		return &ProtocolError{"command code", uint32(code)}
	}
}

func (s *Server) deviceList() []byte {
	var n uint32
	var records []byte
	for i, p := range s.Ports {
		if p.Plugged() && p.HeldBy() == "" {
			n++
			records = append(records, deviceRecord(i+1)...)
			records = append(records, interfaceRecords...)
		}
	}
	b := opReply(opRepDevlist, statusOK)
	b = binary.BigEndian.AppendUint32(b, n)
	return append(b, records...)
}

func (s *Server) importDevice(ctx context.Context, c net.Conn, busID [busIDSize]byte) error {
	for i, p := range s.Ports {
		var name [busIDSize]byte
		copy(name[:], BusID(i+1))
		if name != busID {
			continue
		}
		h, err := p.Attach("USB/IP " + c.RemoteAddr().String())
		switch {
		case errors.Is(err, usb.ErrInUse):
			_, err = c.Write(opReply(opRepImport, statusBusy))
			return err
		case err != nil:
			_, err = c.Write(opReply(opRepImport, statusNoDevice))
			return err
		}
		defer h.Close()
		if _, err := c.Write(append(opReply(opRepImport, statusOK), deviceRecord(i+1)...)); err != nil {
			return err
		}
		if err := c.SetDeadline(time.Time{}); err != nil {
			return err
		}
		return serveTransfers(ctx, c, p, h, deviceID(i+1))
	}
	_, err := c.Write(opReply(opRepImport, statusNoDevice))
	return err
}
