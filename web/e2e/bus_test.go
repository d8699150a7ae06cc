package e2e

import (
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
	"imkey-connect/web/e2e/buses"
)

// bus is a way from a browser to the simulated device; package buses says which there are.
type bus string

const (
	webSocket bus = "websocket"
	preloaded bus = "preload"
	kernel    bus = "kernel"
)

// chosenBuses are those that IMKEY_BUS names, with commas between them: those that need no kernel, without it.
func chosenBuses(t *testing.T) (chosen []bus) {
	names := os.Getenv("IMKEY_BUS")
	if names == "" {
		return []bus{webSocket, preloaded}
	}
	for name := range strings.SplitSeq(names, ",") {
		require.True(t, slices.Contains(buses.Names, name), "IMKEY_BUS: %q is no bus", name)
		chosen = append(chosen, bus(name))
	}
	return chosen
}

// serialOf is the serial number by which a host knows the device.
func serialOf(port *usb.Port) string {
	var units []uint16
	for s := port.Descriptors().Strings[3][2:]; len(s) >= 2; s = s[2:] {
		units = append(units, binary.LittleEndian.Uint16(s))
	}
	return string(utf16.Decode(units))
}
