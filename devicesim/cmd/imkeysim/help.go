package main

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"imkey-connect/devicesim/usb"
)

// helpWidth is what a terminal shows without breaking lines where it likes.
const helpWidth = 80

const usage = `imkeysim simulates an imKey hardware wallet, and serves the pages that
connect to it.

  imkeysim [flags]
      serve until Ctrl-C
  imkeysim chromium [flags] [URL]
      the same, and a Chromium into which the device is plugged, so that its own
      navigator.usb finds it: on the page at URL, or on those of the simulator;
      imkeysim chromium -h lists its flags, more than these

On standard output, when everything listens: line 1 is the address,
http://127.0.0.1:PORT; then, with -usbip and for Chromium, a line
"usbip 127.0.0.1:PORT 1-n" for each device n; with -pages, the address of each
page, line 1 too with localhost where -addr has it; last, with -devtools,
"devtools ws://127.0.0.1:PORT/…" once the browser can be driven.

Flags:
`

const chromiumHelp = `the browser's binary, where it is not Debian's or in PATH: no snap, and no
script that starts it`

// help prints all that can be said, in lines that fit.
func help(f *flag.FlagSet, to io.Writer) {
	fmt.Fprint(to, usage)
	f.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" {
			text += fmt.Sprintf(" (default %s)", f.DefValue)
		}
		fmt.Fprintf(to, "%s\n%s", strings.TrimRight("  -"+f.Name+" "+value, " "), wrap(text, "      "))
	})
	if f.Name() == chromiumName {
		fmt.Fprintf(to, "\nEnvironment:\n  CHROMIUM file\n%s", wrap(chromiumHelp, "      "))
	}
	fmt.Fprintf(to, "\n%s\n%s", usb.FaultHelp(), wrap(recordHelp, ""))
}

// wrap breaks text into indented lines that are no wider than helpWidth.
func wrap(text, indent string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if line != indent {
			if len([]rune(line))+1+len([]rune(word)) > helpWidth {
				b.WriteString(line + "\n")
				line = indent
			} else {
				line += " "
			}
		}
		line += word
	}
	return b.String() + line + "\n"
}
