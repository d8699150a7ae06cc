package usb

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Action is what a fault does to the packet that it hits.
type Action string

const (
	DoStall    Action = "stall"    // the endpoint halts; an OUT packet is lost, an IN packet waits behind the halt
	DoShort    Action = "short"    // the packet is cut to Bytes bytes
	DoBabble   Action = "babble"   // IN only: the device sends more than the host has room for
	DoDrop     Action = "drop"     // the packet vanishes; an OUT transfer succeeds for the host all the same
	DoDelay    Action = "delay"    // the packet, and what is behind it, waits MS milliseconds
	DoUnplug   Action = "unplug"   // the cable is pulled in place of the packet
	DoPowerCut Action = "powercut" // the device loses power in place of the packet
	DoCorrupt  Action = "corrupt"  // Hex overwrites the packet from byte Bytes on; without Hex one bit of that byte flips
	DoZero     Action = "zero"     // a zero-length packet comes in its place
)

// Fault is armed with Port.SetFaults and hits packets Packet … Packet+Count-1 of
// its direction, counted from 1 since arming. Of several faults on one packet, those
// that change its bytes (short, zero, corrupt) do so in the order in which they are
// listed. Then it waits for as long as all delays together. Then, in whatever order
// they are listed: on the way out a stall keeps it, else it unplugs or cuts the power,
// else it is dropped; on the way in it unplugs or cuts the power, else it halts the
// endpoint, and is dropped, or waits behind the halt and may babble.
type Fault struct {
	On     string `json:"on"`              // "in" (device to host) or "out"
	Packet int    `json:"packet"`          // 1 …
	Do     Action `json:"do"`              //
	Bytes  int    `json:"bytes,omitempty"` // short: length, 0 to 63; corrupt: offset, 0 to 63
	MS     int    `json:"ms,omitempty"`    // delay: milliseconds, 1 to 600000
	Count  int    `json:"count,omitempty"` // how many packets in a row; 0 means 1
	Hex    string `json:"hex,omitempty"`   // corrupt: bytes to write
}

// FaultError is a fault that cannot be armed. Field is the JSON name; Index counts from 0.
type FaultError struct {
	Index  int
	Field  string
	Reason string
}

func (e *FaultError) Error() string {
	if e.Field == "" {
		return "faults: " + e.Reason
	}
	return fmt.Sprintf("fault %d: %s: %s", e.Index, e.Field, e.Reason)
}

const (
	maxFaults  = 256
	maxCount   = 1_000_000_000
	maxDelayMS = 600_000
)

// ParseFaults reads a JSON list of faults and validates it. Errors are *FaultError.
func ParseFaults(data []byte) ([]Fault, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	var raw []json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return nil, &FaultError{Reason: "not a JSON list: " + err.Error()}
	}
	if raw == nil { // null
		return nil, &FaultError{Reason: "not a JSON list: null"}
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, &FaultError{Reason: "something follows the list"}
	}
	faults := make([]Fault, len(raw))
	for i, r := range raw {
		d := json.NewDecoder(bytes.NewReader(r))
		d.DisallowUnknownFields()
		if err := d.Decode(&faults[i]); err != nil {
			e := &FaultError{Index: i, Field: "fault", Reason: err.Error()}
			var wrong *json.UnmarshalTypeError
			if errors.As(err, &wrong) && wrong.Field != "" {
				e.Field, e.Reason = wrong.Field, "cannot be a "+wrong.Value
			} else if _, name, ok := strings.Cut(err.Error(), "unknown field "); ok {
				e.Field, e.Reason = strings.Trim(name, `"`), "no such field"
			}
			return nil, e
		}
	}
	return faults, validateFaults(faults)
}

func validateFaults(faults []Fault) error {
	if len(faults) > maxFaults {
		return &FaultError{Reason: fmt.Sprintf("more than %d", maxFaults)}
	}
	for i, f := range faults {
		if field, reason := f.check(); field != "" {
			return &FaultError{Index: i, Field: field, Reason: reason}
		}
	}
	return nil
}

func (f Fault) check() (field, reason string) {
	raw, hexErr := hex.DecodeString(f.Hex)
	switch f.Do {
	case DoStall, DoShort, DoBabble, DoDrop, DoDelay, DoUnplug, DoPowerCut, DoCorrupt, DoZero:
	default:
		return "do", fmt.Sprintf("%q is not an action", f.Do)
	}
	switch {
	case f.On != "in" && f.On != "out":
		return "on", `must be "in" or "out"`
	case f.Packet < 1 || f.Packet > maxCount:
		return "packet", "counts from 1"
	case f.Count < 0 || f.Count > maxCount:
		return "count", "must not be negative"
	case f.Do == DoBabble && f.On != "in":
		return "on", "only a device babbles: use \"in\""
	case f.Bytes < 0 || f.Bytes >= PacketSize:
		return "bytes", fmt.Sprintf("must be 0 to %d", PacketSize-1)
	case f.Bytes != 0 && f.Do != DoShort && f.Do != DoCorrupt:
		return "bytes", "only for short and corrupt"
	case f.Do == DoDelay && (f.MS < 1 || f.MS > maxDelayMS):
		return "ms", fmt.Sprintf("must be 1 to %d", maxDelayMS)
	case f.MS != 0 && f.Do != DoDelay:
		return "ms", "only for delay"
	case f.Hex != "" && f.Do != DoCorrupt:
		return "hex", "only for corrupt"
	case hexErr != nil:
		return "hex", hexErr.Error()
	case f.Bytes+len(raw) > PacketSize:
		return "hex", "reaches past the packet"
	}
	return "", ""
}

// faults is the armed list and its two packet counters.
type faults struct {
	list []Fault
	seen map[string]int
}

func (fs *faults) arm(list []Fault) { *fs = faults{list: list, seen: map[string]int{}} }

// effect is what the armed faults do to one packet.
type effect struct {
	data                                  []byte
	stall, babble, drop, unplug, powerCut bool
	delay                                 time.Duration
}

// next counts one packet and says what becomes of it. data is changed in place.
func (fs *faults) next(on string, data []byte) effect {
	e := effect{data: data}
	if len(fs.list) == 0 {
		return e
	}
	fs.seen[on]++
	n := fs.seen[on]
	for _, f := range fs.list {
		if f.On != on || n < f.Packet || n >= f.Packet+max(f.Count, 1) {
			continue
		}
		switch f.Do {
		case DoStall:
			e.stall = true
		case DoShort:
			e.data = e.data[:min(len(e.data), f.Bytes)]
		case DoBabble:
			e.babble = true
		case DoDrop:
			e.drop = true
		case DoDelay:
			e.delay += time.Duration(f.MS) * time.Millisecond
		case DoUnplug:
			e.unplug = true
		case DoPowerCut:
			e.powerCut = true
		case DoZero:
			e.data = e.data[:0]
		case DoCorrupt:
			raw, _ := hex.DecodeString(f.Hex) // validated when armed
			if f.Hex == "" && f.Bytes < len(e.data) {
				e.data[f.Bytes] ^= 1
			} else if f.Bytes < len(e.data) {
				copy(e.data[f.Bytes:], raw)
			}
		}
	}
	return e
}
