package usbip

import (
	"encoding/binary"
	"fmt"

	"imkey-connect/devicesim/usb"
)

// The wire format of USB/IP 1.1.1 (Documentation/usb/usbip_protocol.rst of the Linux
// kernel). All numbers are big-endian, except in the setup packet, which has the byte
// order of the bus.
const (
	version = 0x0111

	opReqDevlist = 0x8005
	opRepDevlist = 0x0005
	opReqImport  = 0x8003
	opRepImport  = 0x0003

	cmdSubmit = 1
	cmdUnlink = 2
	retSubmit = 3
	retUnlink = 4

	opHeaderSize = 8
	busIDSize    = 32
	headerSize   = 48

	directionOut = 0
	directionIn  = 1

	speedFull = 2
	busNumber = 1
)

// Statuses of an import reply.
const (
	statusOK       = 0
	statusBusy     = 2 // another host holds the device
	statusNoDevice = 4 // unknown or not plugged in
)

// Statuses of a transfer: negated Linux error numbers.
const (
	statusNoEntry     = -2   // ENOENT: no such endpoint
	statusStall       = -32  // EPIPE
	statusBabble      = -75  // EOVERFLOW
	statusUnlinked    = -104 // ECONNRESET
	statusShutdown    = -108 // ESHUTDOWN
	statusShort       = -121 // EREMOTEIO: a short packet although the client set URB_SHORT_NOT_OK
	flagShortNotOK    = 0x0001
	flagZeroPacket    = 0x0040
	notIsochronous    = 0xFFFFFFFF
	maxTransfer       = 1 << 20 // bytes of one transfer
	maxPending        = 1024    // transfers of one connection
	maxPendingOut     = 4 << 20 // bytes of pending OUT data of one connection
	maxQueuedReplies  = 256     // with more, the server waits until the client reads
	accessRequestType = 0xC3    // vendor, recipient "other", device to host
	accessRequest     = 0x69
	accessDenied      = 1 << 0
	accessClaimed     = 1 << 1
)

// ProtocolError is a value that a USB/IP client must not send. It ends the connection.
type ProtocolError struct {
	Field string // name in the protocol's documentation
	Value uint32
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("usbip: bad %s %#x", e.Field, e.Value)
}

// BusID is the bus id of device n, from 1 on: "1-1", "1-2" …
func BusID(n int) string { return fmt.Sprintf("%d-%d", busNumber, n) }

// deviceID is the number of device n in a client's commands. Address 1 is the root hub.
func deviceID(n int) uint32 { return busNumber<<16 | uint32(n+1) }

func opReply(code uint16, status uint32) []byte {
	b := binary.BigEndian.AppendUint16(nil, version)
	b = binary.BigEndian.AppendUint16(b, code)
	return binary.BigEndian.AppendUint32(b, status)
}

// deviceRecord describes device n in a device list or an import reply.
func deviceRecord(n int) []byte {
	b := make([]byte, 256+busIDSize)
	copy(b, "/sys/devices/imkeysim/usb1/"+BusID(n))
	copy(b[256:], BusID(n))
	for _, v := range []uint32{busNumber, deviceID(n) & 0xFFFF, speedFull} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	for _, v := range []uint16{usb.VendorID, usb.ProductID, usb.BcdDevice} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	const class, subclass, protocol, configuration, configurations, interfaces = 0, 0, 0, 1, 1, 2
	return append(b, class, subclass, protocol, configuration, configurations, interfaces)
}

// interfaceRecords follow a deviceRecord in a device list: class, subclass, protocol, padding.
var interfaceRecords = []byte{0xFF, 0, 0, 0, 0x03, 0, 0, 0}

// command is a CMD_SUBMIT or CMD_UNLINK.
type command struct {
	code     uint32
	seq      uint32
	in       bool
	endpoint byte
	flags    uint32
	length   int // of the transfer's buffer
	setup    [8]byte
	victim   uint32 // CMD_UNLINK: the sequence number of the transfer to cancel
}

// parseCommand parses the header of a command for the device devid. Errors: *ProtocolError.
func parseCommand(h *[headerSize]byte, devid uint32) (command, error) {
	word := func(i int) uint32 { return binary.BigEndian.Uint32(h[i:]) }
	c := command{code: word(0), seq: word(4)}
	if d := word(8); d != devid {
		return c, &ProtocolError{"devid", d}
	}
	if d := word(12); d > directionIn {
		return c, &ProtocolError{"direction", d}
	}
	if e := word(16); e > 15 {
		return c, &ProtocolError{"ep", e}
	}
	switch c.code {
	case cmdUnlink:
		c.victim = word(20)
		return c, nil
	case cmdSubmit:
	default:
		return c, &ProtocolError{"command", c.code}
	}
	c.in, c.endpoint, c.flags = word(12) == directionIn, byte(word(16)), word(20)
	if n := word(24); n > maxTransfer {
		return c, &ProtocolError{"transfer_buffer_length", n}
	}
	if n := word(32); n != 0 && n != notIsochronous { // there is no isochronous endpoint
		return c, &ProtocolError{"number_of_packets", n}
	}
	c.length = int(word(24))
	copy(c.setup[:], h[40:])
	return c, nil
}

func submitReply(seq uint32, status int32, actual int, data []byte) []byte {
	b := make([]byte, headerSize, headerSize+len(data))
	binary.BigEndian.PutUint32(b[0:], retSubmit)
	binary.BigEndian.PutUint32(b[4:], seq)
	binary.BigEndian.PutUint32(b[20:], uint32(status))
	binary.BigEndian.PutUint32(b[24:], uint32(actual))
	binary.BigEndian.PutUint32(b[32:], notIsochronous)
	return append(b, data...)
}

func unlinkReply(seq uint32, status int32) []byte {
	b := make([]byte, headerSize)
	binary.BigEndian.PutUint32(b[0:], retUnlink)
	binary.BigEndian.PutUint32(b[4:], seq)
	binary.BigEndian.PutUint32(b[20:], uint32(status))
	return b
}
