package usb

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Fault makes a failure happen on purpose. Port.SetFaults arms it. It hits Count packets of its direction, from packet Packet
// on, counted from 1 since arming.
//
// Several faults can hit one packet. First those that change its bytes do so, in the order of the list. Then the packet
// waits for the sum of all delays. Then the first of these happens, whatever their order in the list: to a packet to the
// device a stall, an unplug or power cut, a drop; to a packet from the device an unplug or power cut, then a stall, which
// goes together with a drop or a babble.
type Fault struct {
	On     string `json:"on"`              // In or Out
	Packet int    `json:"packet"`          // from 1 on
	Do     Action `json:"do"`              // which of FaultKinds
	Bytes  int    `json:"bytes,omitempty"` // a length or an offset
	MS     int    `json:"ms,omitempty"`    // milliseconds
	Count  int    `json:"count,omitempty"` // 0 means 1
	Hex    string `json:"hex,omitempty"`   // bytes to write
}

// FaultError is a fault that cannot be armed. Field is the JSON name of the wrong field, or empty if the list itself is wrong.
// Index counts from 0.
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
	maxFaults = 256
	maxCount  = 1_000_000_000
)

// ParseFaults parses and validates a JSON list of faults. Errors are *FaultError.
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

// check returns the first field that is wrong, and why. Both are empty for a fault that can be armed.
func (f Fault) check() (field, reason string) {
	k, ok := kindOf(f.Do)
	switch {
	case !ok:
		return "do", fmt.Sprintf("%q is not an action", f.Do)
	case f.On != In && f.On != Out:
		return "on", `must be "in" or "out"`
	case !slices.Contains(k.On, f.On):
		return "on", fmt.Sprintf("%s needs %q", k.Do, k.On[0])
	case f.Packet < 1 || f.Packet > maxCount:
		return "packet", "counts from 1"
	case f.Count < 0 || f.Count > maxCount:
		return "count", "must not be negative"
	}
	for _, name := range []string{"bytes", "ms"} {
		switch value := f.number(name); {
		case k.Number != nil && k.Number.Name == name:
			if value < k.Number.Min || value > k.Number.Max {
				return name, fmt.Sprintf("must be %d to %d", k.Number.Min, k.Number.Max)
			}
		case value != 0:
			return name, fmt.Sprintf("is not a parameter of %s", k.Do)
		}
	}
	raw, err := hex.DecodeString(f.Hex)
	switch {
	case f.Hex != "" && !k.Hex:
		return "hex", fmt.Sprintf("is not a parameter of %s", k.Do)
	case err != nil:
		return "hex", err.Error()
	case f.Bytes+len(raw) > PacketSize:
		return "hex", "reaches past the end of the packet"
	}
	return "", ""
}

// number returns the numeric parameter with a JSON name.
func (f Fault) number(name string) int {
	if name == "ms" {
		return f.MS
	}
	return f.Bytes
}

// faults are the armed faults and the packet counters of the two directions.
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

// next counts one packet and returns what happens to it. It changes data in place.
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
		if k, ok := kindOf(f.Do); ok {
			k.apply(f, &e)
		}
	}
	return e
}
