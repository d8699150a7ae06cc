package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"imkey-connect/devicesim/usb"
)

// Limits of the wire. A message of the imKey protocol is at most 129 packets, 8256 bytes.
const (
	maxTransfer = 1 << 16 // bytes in one OUT transfer, and room in one IN transfer
	maxRequest  = 2*maxTransfer + 1024
	maxPending  = 1024 // transfers of one page that have not ended
)

// hexBytes travel as a string of hex digits.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// request is what a page sends: one operation on the device that it knows by the number Device.
type request struct {
	ID        uint32   `json:"id"`
	Device    uint64   `json:"device"`
	Op        string   `json:"op"`
	Interface uint8    `json:"interface"` // claim, release, alternate
	Alternate uint8    `json:"alternate"` // alternate
	Endpoint  uint8    `json:"endpoint"`  // in, out, halt: the address, bit 7 for IN
	Length    int      `json:"length"`    // in: room for so many bytes
	Setup     hexBytes `json:"setup"`     // control: 8 bytes, whose wLength is that of data, or the room for it
	Data      hexBytes `json:"data"`      // out, control
}

var errMalformed = errors.New("wire: malformed request")

// parseRequest reads one message strictly: one JSON object, known fields, values within the limits.
func parseRequest(data []byte) (request, error) {
	var r request
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, fmt.Errorf("%w: %v", errMalformed, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return r, fmt.Errorf("%w: more than one value", errMalformed)
	}
	switch {
	case r.Length < 0:
		return r, fmt.Errorf("%w: length %d", errMalformed, r.Length)
	case len(r.Data) > maxTransfer:
		return r, fmt.Errorf("%w: %d bytes of data", errMalformed, len(r.Data))
	case (r.Op == "control") != (len(r.Setup) == 8), len(r.Setup) != 8 && r.Setup != nil:
		return r, fmt.Errorf("%w: setup", errMalformed)
	case r.Op == "control" && r.Setup[0]&0x80 == 0 && int(binary.LittleEndian.Uint16(r.Setup[6:])) != len(r.Data):
		return r, fmt.Errorf("%w: wLength is not the length of the data", errMalformed)
	}
	return r, nil
}

// Statuses of a finished transfer, as WebUSB names them.
const (
	statusOK     = "ok"
	statusStall  = "stall"
	statusBabble = "babble"
)

// Reasons why an operation failed; webusb.js has the exception for each.
const (
	failAccess       = "access"       // the system does not let the browser open the device
	failClaim        = "claim"        // the interface, or the device, is held elsewhere
	failProtected    = "protected"    // the interface's class is not for pages
	failCancelled    = "cancelled"    // closed or unplugged while the transfer was pending
	failDisconnected = "disconnected" // the device that the request is for is gone
	failTransfer     = "transfer"     // anything else; a bus reset while the transfer was pending
)

// reply answers the request with the same id.
type reply struct {
	ID     uint32   `json:"id"`
	Status string   `json:"status,omitempty"` // of a transfer
	Data   hexBytes `json:"data,omitempty"`   // that came in
	Error  string   `json:"error,omitempty"`  // in place of the others
}

// event tells of the cable: the first one, sent at once, of how it is, the others of how it becomes.
type event struct {
	Event  string       `json:"event"` // "plugged" or "unplugged"
	Device *description `json:"device,omitempty"`
}

// description is the device as a host sees it when it enumerates.
type description struct {
	Device        uint64     `json:"device"` // another number each time that it is plugged in
	Descriptor    hexBytes   `json:"descriptor"`
	Configuration hexBytes   `json:"configuration"`
	Strings       []hexBytes `json:"strings"` // by index, whole descriptors
}

func describe(number uint64, d usb.Descriptors) *description {
	s := make([]hexBytes, len(d.Strings))
	for i := range d.Strings {
		s[i] = d.Strings[i]
	}
	return &description{Device: number, Descriptor: d.Device, Configuration: d.Configuration, Strings: s}
}
