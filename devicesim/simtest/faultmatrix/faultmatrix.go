// Package faultmatrix is the table of what may go wrong between a host and a device, and when. The tests of simtest put every fault
// at every packet of every flow, and docs/security.md shows the table.
package faultmatrix

import (
	"fmt"
	"strings"

	"imkey-connect/devicesim/usb"
)

//go:generate go run ./generate

// Flow is an operation of a user, from opening the device to its end. Out and In are the numbers of packets to and from the device
// if nothing goes wrong.
type Flow struct {
	Name, About string
	Out, In     int
}

// Flows are the flows. The tests hold the numbers of packets.
var Flows = []Flow{
	{"pairing", "read the status, show the code, bind with it", 24, 31},
	{"signing", "sign a transaction, which the user confirms", 18, 21},
	{"import", "import a binding that another browser exported, and read the status", 14, 19},
	{"take-over", "a tab reads the status, is stopped by another tab, and that one reads the status", 27, 34},
}

// Event is something that happens in place of a fault on the wire.
type Event string

// The events.
const (
	Wire   Event = ""       // the faults of the row
	Reset  Event = "reset"  // the user resets the device
	Lock   Event = "lock"   // the user locks the device
	Menu   Event = "menu"   // the user opens the menu
	Cancel Event = "cancel" // the host gives up
	Crash  Event = "crash"  // the host is killed
)

// Row is a kind of fault in one direction.
type Row struct {
	Event Event
	On    string // usb.Out or usb.In; an event that is not on the wire happens before the packet out or after the packet in
	Do    usb.Action
	// Variants are the parameters of the fault: bytes or milliseconds, or one 0 for a fault without any. Each is tried at each
	// packet.
	Variants []int
	// Count is the number of packets in a row that are hit.
	Count int
	// Replug reports that the device needs to be plugged in again afterwards.
	Replug bool
}

// Name returns the name of a row, as "drop in".
func (r Row) Name() string {
	if r.Event != Wire {
		return string(r.Event) + " " + r.On
	}
	name := string(r.Do) + " " + r.On
	if r.Count > 1 {
		name = "freeze " + r.On
	}
	return name
}

// Fault returns the fault at a packet, counted from 1.
func (r Row) Fault(packet, variant int) usb.Fault {
	f := usb.Fault{On: r.On, Packet: packet, Do: r.Do, Count: r.Count}
	if k := kind(r.Do); k.Number != nil && k.Number.Name == "ms" {
		f.MS = variant
	} else if k.Number != nil {
		f.Bytes = variant
	}
	return f
}

func kind(do usb.Action) usb.FaultKind {
	for _, k := range usb.FaultKinds() {
		if k.Do == do {
			return k
		}
	}
	panic("faultmatrix: unknown kind of fault " + do)
}

// forever is a count that no flow reaches.
const forever = 1_000_000

// Rows returns all rows: each kind of fault that the simulator has, in each of its directions, then a device that stops answering,
// then what the user and the host do.
func Rows() []Row {
	variants := map[usb.Action][]int{
		usb.DoShort:   {1, 20, 63},
		usb.DoDelay:   {200, 30_000},
		usb.DoCorrupt: {0, 4, 6, 7, 30}, // the channel, the type or sequence number, the length, and two bytes of data
	}
	var rows []Row
	for _, k := range usb.FaultKinds() {
		for _, on := range []string{usb.Out, usb.In} {
			for _, acts := range k.On {
				if acts != on {
					continue
				}
				r := Row{On: on, Do: k.Do, Variants: variants[k.Do], Replug: k.Do == usb.DoUnplug || k.Do == usb.DoPowerCut}
				if r.Variants == nil {
					r.Variants = []int{0}
				}
				rows = append(rows, r)
			}
		}
	}
	for _, on := range []string{usb.Out, usb.In} {
		rows = append(rows, Row{On: on, Do: usb.DoDrop, Variants: []int{0}, Count: forever, Replug: true})
	}
	for _, e := range []Event{Reset, Lock, Menu, Cancel, Crash} {
		for _, on := range []string{usb.Out, usb.In} {
			rows = append(rows, Row{Event: e, On: on, Variants: []int{0}})
		}
	}
	return rows
}

// Points returns the number of cases of a row in a flow.
func (r Row) Points(f Flow) int {
	n := f.Out
	if r.On == usb.In {
		n = f.In
	}
	return n * len(r.Variants)
}

// effects are the effects of rows with variants, and of those that are not a kind of fault of the simulator.
var effects = map[string]string{
	"short":   "the packet is cut to 1, 20 or 63 bytes",
	"delay":   "the packet, and what is behind it, waits 200 ms or 30 s",
	"corrupt": "one bit of byte 0, 4, 6, 7 or 30 flips: the channel, the type, the length, or data",
	"freeze":  "the device hears or says nothing from this packet on, until it is plugged in again",
	"reset":   "the user resets the device to its factory state",
	"lock":    "the user locks the device",
	"menu":    "the user opens the device's menu",
	"cancel":  "the page gives up",
	"crash":   "the page is killed",
}

// Effect says what happens.
func (r Row) Effect() string {
	name, _, _ := strings.Cut(r.Name(), " ")
	if text, ok := effects[name]; ok {
		return text
	}
	return kind(r.Do).Help
}

// Markdown returns the table for a document.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| fault | direction | what happens |")
	for _, f := range Flows {
		fmt.Fprintf(&b, " %s |", f.Name)
	}
	b.WriteString("\n| --- | --- | --- |" + strings.Repeat(" --- |", len(Flows)) + "\n")
	total := 0
	for _, r := range Rows() {
		name, on, _ := strings.Cut(r.Name(), " ")
		fmt.Fprintf(&b, "| `%s` | %s | %s |", name, on, r.Effect())
		for _, f := range Flows {
			total += r.Points(f)
			fmt.Fprintf(&b, " %d |", r.Points(f))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\nThese are %d cases, of %d faults.\n", total, len(Rows()))
	return b.String()
}
