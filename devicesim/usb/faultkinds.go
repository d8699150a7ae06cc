package usb

import (
	"encoding/hex"
	"slices"
	"time"
)

//go:generate go run ./generate

// Action is what a fault does to a packet.
type Action string

// The actions. FaultKinds describes them.
const (
	DoStall    Action = "stall"
	DoShort    Action = "short"
	DoBabble   Action = "babble"
	DoDrop     Action = "drop"
	DoDelay    Action = "delay"
	DoUnplug   Action = "unplug"
	DoPowerCut Action = "powercut"
	DoCorrupt  Action = "corrupt"
	DoZero     Action = "zero"
)

// The directions of a packet.
const (
	In  = "in"  // from the device to the host
	Out = "out" // from the host to the device
)

// FaultKind describes one kind of fault.
type FaultKind struct {
	Do Action
	On []string // the directions in which it acts
	// Help says in English what happens. It names parameters in quotation marks.
	Help string
	// Number is the numeric parameter: "bytes" or "ms". It is nil for a kind without one.
	Number *Number
	// Hex reports whether the kind takes the parameter "hex".
	Hex bool

	apply func(f Fault, e *effect)
}

// Number is the numeric parameter of a kind of fault.
type Number struct {
	Name     string // of the JSON field
	Min, Max int    // the range; a parameter that is absent is 0
}

var (
	bothWays     = []string{In, Out}
	position     = &Number{Name: "bytes", Min: 0, Max: PacketSize - 1}
	milliseconds = &Number{Name: "ms", Min: 1, Max: 600_000}
)

// faultKinds is the only table of faults. The checks, the help text and the device page's table come from it: after a change
// run `go generate ./devicesim/usb`.
var faultKinds = []FaultKind{
	{
		Do: DoStall, On: bothWays,
		Help:  "the endpoint halts until the host clears it; a packet to the device is lost, one from the device waits",
		apply: func(_ Fault, e *effect) { e.stall = true },
	},
	{
		Do: DoShort, On: bothWays, Number: position,
		Help:  `the packet is cut to "bytes" bytes`,
		apply: func(f Fault, e *effect) { e.data = e.data[:min(len(e.data), f.Bytes)] },
	},
	{
		Do: DoBabble, On: []string{In},
		Help:  "the device sends more than the host has room for",
		apply: func(_ Fault, e *effect) { e.babble = true },
	},
	{
		Do: DoDrop, On: bothWays,
		Help:  "the packet vanishes; a transfer to the device succeeds for the host all the same",
		apply: func(_ Fault, e *effect) { e.drop = true },
	},
	{
		Do: DoDelay, On: bothWays, Number: milliseconds,
		Help:  `the packet, and what is behind it, waits "ms" milliseconds`,
		apply: func(f Fault, e *effect) { e.delay += time.Duration(f.MS) * time.Millisecond },
	},
	{
		Do: DoUnplug, On: bothWays,
		Help:  "the cable is unplugged in place of the packet",
		apply: func(_ Fault, e *effect) { e.unplug = true },
	},
	{
		Do: DoPowerCut, On: bothWays,
		Help:  "the device loses power in place of the packet",
		apply: func(_ Fault, e *effect) { e.powerCut = true },
	},
	{
		Do: DoCorrupt, On: bothWays, Number: position, Hex: true,
		Help: `"hex" overwrites the packet from byte "bytes" on; without "hex" one bit of that byte flips`,
		apply: func(f Fault, e *effect) {
			raw, _ := hex.DecodeString(f.Hex) // checked when it was armed
			if f.Hex == "" && f.Bytes < len(e.data) {
				e.data[f.Bytes] ^= 1
			} else if f.Bytes < len(e.data) {
				copy(e.data[f.Bytes:], raw)
			}
		},
	},
	{
		Do: DoZero, On: bothWays,
		Help:  "a zero-length packet comes in its place",
		apply: func(_ Fault, e *effect) { e.data = e.data[:0] },
	},
}

// FaultKinds returns all kinds of faults.
func FaultKinds() []FaultKind { return slices.Clone(faultKinds) }

// kindOf returns the kind of fault with a name.
func kindOf(do Action) (FaultKind, bool) {
	for _, k := range faultKinds {
		if k.Do == do {
			return k, true
		}
	}
	return FaultKind{}, false
}
