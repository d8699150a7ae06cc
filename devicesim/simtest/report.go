package simtest

import (
	"fmt"
	"strings"

	"imkey-connect/devicesim/trace"
)

const (
	reported = 4  // number of devices in the report of a failed test
	lines    = 15 // number of lines of a trace in a report
)

// report logs the screens and traces of the devices of a failed test, unless its output has them already.
func (s *Simulator) report() {
	s.t.Helper()
	for _, d := range s.Devices[:min(len(s.Devices), reported)] {
		if !d.told {
			s.t.Logf("simtest: %s, as the test ended\n%s", d.name(), d.report())
		}
	}
}

func (d *Device) name() string {
	if d.of == 1 {
		return "the device"
	}
	return fmt.Sprintf("device %d of %d", d.number, d.of)
}

// report returns the state of the device, its screen and the end of its trace.
func (d *Device) report() string {
	var b strings.Builder
	s := d.Status()
	fmt.Fprintf(&b, "%s is %s", s.Serial, map[bool]string{true: "plugged in", false: "unplugged"}[s.Plugged])
	if s.Locked {
		b.WriteString(", locked")
	}
	fmt.Fprintf(&b, ", its binding: %s\n", s.Binding)
	if len(s.Screen) == 0 {
		b.WriteString("The screen is dark.\n")
	} else {
		b.WriteString("The screen:\n")
	}
	for _, line := range s.Screen {
		fmt.Fprintf(&b, "  | %-16s |\n", line)
	}
	var told []trace.Event
	for _, e := range d.log.Events(0) {
		if e.Kind != trace.KindPacket { // the APDUs say more
			told = append(told, e)
		}
	}
	if len(told) == 0 {
		b.WriteString("The trace is empty.")
		return b.String()
	}
	b.WriteString("The end of the trace:")
	for _, e := range told[max(0, len(told)-lines):] {
		fmt.Fprintf(&b, "\n  %5d %s %-7s %-3s %s", e.N, e.Time.Format("15:04:05.000"), e.Kind, e.Dir, e.Text)
	}
	return b.String()
}
