package wire

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"imkey-connect/devicesim/internal/strictjson"
	"imkey-connect/devicesim/usb"
)

// The limits. A message of the imKey protocol has at most 129 packets, 8256 bytes.
const (
	maxTransfer = 1 << 16 // bytes of one transfer
	maxRequest  = 2*maxTransfer + 1024
	maxPending  = 1024 // pending transfers of one page
)

// hexBytes are bytes that JSON has as a string of hex digits.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// request is one operation of a page. Device is the number of the device in its "plugged" event.
type request struct {
	ID        uint32   `json:"id"`
	Device    uint64   `json:"device"`
	Op        string   `json:"op"`
	Interface uint8    `json:"interface"` // claim, release, alternate
	Alternate uint8    `json:"alternate"` // alternate
	Endpoint  uint8    `json:"endpoint"`  // in, out, halt: the address, bit 7 for IN
	Length    int      `json:"length"`    // in: the maximum number of bytes
	Setup     hexBytes `json:"setup"`     // control: 8 bytes; its wLength is the length of Data, or the maximum of an answer
	Data      hexBytes `json:"data"`      // out, control
}

var errMalformed = errors.New("wire: malformed request")

// parseRequest parses one message: one JSON object of known fields with values within the limits. Errors are errMalformed.
func parseRequest(data []byte) (request, error) {
	var r request
	if err := strictjson.Decode(data, &r); err != nil {
		return r, fmt.Errorf("%w: %v", errMalformed, err)
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

// The statuses of a transfer, as in WebUSB.
const (
	statusOK     = "ok"
	statusStall  = "stall"
	statusBabble = "babble"
)

// The reasons why an operation fails. webusb.js has the exception for each.
const (
	failAccess       = "access"       // the operating system does not let the browser open the device
	failClaim        = "claim"        // another page or host holds the interface or the device
	failProtected    = "protected"    // pages must not claim an interface of this class
	failCancelled    = "cancelled"    // the device was closed or unplugged during the transfer
	failDisconnected = "disconnected" // the device of the request is not plugged in any more
	failTransfer     = "transfer"     // any other reason, as a bus reset during the transfer
)

// reply answers the request with the same id.
type reply struct {
	ID     uint32   `json:"id"`
	Status string   `json:"status,omitempty"` // of a transfer
	Data   hexBytes `json:"data,omitempty"`   // from the device
	Error  string   `json:"error,omitempty"`  // a reason, in place of the others
}

// event reports whether the device is plugged in: once at the beginning, then after each change.
type event struct {
	Event  string       `json:"event"` // "plugged" or "unplugged"
	Device *description `json:"device,omitempty"`
}

// description is what a host reads when it enumerates the device.
type description struct {
	Device        uint64     `json:"device"` // a new number each time that the device is plugged in
	Descriptor    hexBytes   `json:"descriptor"`
	Configuration hexBytes   `json:"configuration"`
	Strings       []hexBytes `json:"strings"` // the string descriptors, by index
}

func describe(number uint64, d usb.Descriptors) *description {
	s := make([]hexBytes, len(d.Strings))
	for i := range d.Strings {
		s[i] = d.Strings[i]
	}
	return &description{Device: number, Descriptor: d.Device, Configuration: d.Configuration, Strings: s}
}
