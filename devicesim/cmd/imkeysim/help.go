package main

import (
	"flag"
	"fmt"
	"io"
	"strings"

	"imkey-connect/devicesim/usb"
)

// helpWidth is the width of a terminal in characters.
const helpWidth = 80

const usage = `imkeysim simulates an imKey hardware wallet, and serves the pages that
connect to it.

  imkeysim [flags]
      serve until Ctrl-C
  imkeysim chromium [flags] [URL]
      the same, and start a Chromium with the device plugged in: its
      navigator.usb finds the device, on the page at URL or on those of the
      simulator; imkeysim chromium -h lists its flags, more than these
  imkeysim browser [CHROMIUM'S OWN ARGUMENTS]
      become a Chromium with the device plugged in, for a program that starts
      browsers: Playwright, chromedriver, Cypress; imkeysim browser -h

When all listeners are open, standard output has these lines:

  http://127.0.0.1:PORT             the address
  usbip 127.0.0.1:PORT 1-n          with -usbip and for Chromium: each device n
  http://127.0.0.1:PORT/…           with -pages: each page; these addresses and
                                    line 1 have localhost if -addr has it
  devtools ws://127.0.0.1:PORT/…    with -devtools: the address of DevTools, as
                                    soon as the browser can be controlled

Flags:
`

const chromiumHelp = `the browser's binary, if it is not Debian's or in PATH; it must not be a snap
or a script that starts a browser`

// help prints the whole help, in lines of helpWidth.
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

// wrap breaks a text into indented lines of helpWidth.
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
