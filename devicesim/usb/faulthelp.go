package usb

import (
	"fmt"
	"strings"
)

const faultHelp = `Faults are a JSON list, given to -fault (a file or the list itself) or by POST
to /sim/v1/faults:

  [{"on":"in", "packet":3, "do":"stall"},
   {"on":"out", "packet":1, "do":"delay", "ms":200, "count":5}]

  on      "in" (device to host) or "out" (host to device)
  packet  which packet of that direction is hit, counted from 1 since arming
  count   how many packets in a row are hit; 1 if absent
  do      what happens:
`

// FaultHelp describes the JSON form of faults, in lines of at most 80 characters.
func FaultHelp() string {
	const width, indent = 80, 20
	var b strings.Builder
	b.WriteString(faultHelp)
	for _, k := range faultKinds {
		text := k.Help
		if len(k.On) == 1 {
			text += fmt.Sprintf("; only %q", k.On[0])
		}
		if n := k.Number; n != nil {
			text += fmt.Sprintf("; %q is %d to %d", n.Name, n.Min, n.Max)
		}
		line := fmt.Sprintf("%*s%-*s", indent-10, "", 9, k.Do)
		for _, word := range strings.Fields(text) {
			if len(line)+1+len(word) > width {
				b.WriteString(line + "\n")
				line = strings.Repeat(" ", indent-1)
			}
			line += " " + word
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
