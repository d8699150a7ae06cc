package usb_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
)

func get(t *testing.T, h *usb.Host, requestType, request byte, value, index, length uint16) []byte {
	t.Helper()
	b, err := h.Control(within(t), usb.Setup(requestType, request, value, index, length), nil)
	require.NoError(t, err)
	return b
}

func TestDescriptors(t *testing.T) {
	_, h := plugged(t, &recorder{})

	device := get(t, h, 0x80, 6, 0x0100, 0, 18)
	require.Len(t, device, 18)
	require.Equal(t, uint16(0x0210), binary.LittleEndian.Uint16(device[2:]))
	require.Equal(t, uint16(0x096E), binary.LittleEndian.Uint16(device[8:]))
	require.Equal(t, uint16(0x0891), binary.LittleEndian.Uint16(device[10:]))

	require.Len(t, get(t, h, 0x80, 6, 0x0200, 0, 9), 9, "cut to wLength")
	configuration := get(t, h, 0x80, 6, 0x0200, 0, 0xFFFF)
	require.Equal(t, len(configuration), int(binary.LittleEndian.Uint16(configuration[2:])))
	type endpoint struct{ iface, class, address, kind byte }
	var endpoints []endpoint
	var iface, class byte
	for rest := configuration; len(rest) > 0; rest = rest[rest[0]:] {
		switch rest[1] {
		case 4:
			iface, class = rest[2], rest[5]
			require.Zero(t, rest[3], "alternate setting")
		case 5:
			endpoints = append(endpoints, endpoint{iface, class, rest[2], rest[3]})
			require.Equal(t, uint16(64), binary.LittleEndian.Uint16(rest[4:]))
		case 0x21:
			require.Equal(t, rest[:9], get(t, h, 0x81, 6, 0x2100, 1, 9))
			require.Len(t, get(t, h, 0x81, 6, 0x2200, 1, 255), int(binary.LittleEndian.Uint16(rest[7:])))
		}
	}
	require.Equal(t, []endpoint{{0, 0xFF, 0x04, 2}, {0, 0xFF, 0x85, 2}, {1, 3, 0x81, 3}, {1, 3, 0x01, 3}}, endpoints)

	text := func(i byte) string {
		b := get(t, h, 0x80, 6, 0x0300|uint16(i), 0x0409, 255)
		require.Equal(t, len(b), int(b[0]))
		var s strings.Builder
		for b = b[2:]; len(b) > 0; b = b[2:] {
			s.WriteRune(rune(binary.LittleEndian.Uint16(b)))
		}
		return s.String()
	}
	require.Equal(t, identity.Manufacturer, text(device[14]))
	require.Equal(t, identity.Product, text(device[15]))
	require.Equal(t, identity.Serial, text(device[16]))
	require.Equal(t, []byte{4, 3, 9, 4}, get(t, h, 0x80, 6, 0x0300, 0, 255))

	bos := get(t, h, 0x80, 6, 0x0F00, 0, 255)
	require.Equal(t, len(bos), int(binary.LittleEndian.Uint16(bos[2:])))
	vendorCode, page := bos[27], bos[28]
	url := get(t, h, 0xC0, vendorCode, uint16(page), 2, 255)
	require.Equal(t, byte(1), url[2], "https")
	require.Equal(t, "wallet.example/", string(url[3:]))
}

func TestUnknownRequestsStall(t *testing.T) {
	_, h := plugged(t, &recorder{})
	for _, s := range [][8]byte{
		usb.Setup(0xC0, 0x77, 0, 0, 8),       // another vendor's request
		usb.Setup(0xC0, 0x21, 2, 2, 64),      // a second landing page
		usb.Setup(0x80, 6, 0x0201, 0, 9),     // a second configuration
		usb.Setup(0x80, 6, 0x0309, 0, 9),     // a tenth string
		usb.Setup(0x80, 6, 0x0600, 0, 10),    // device qualifier: full speed only
		usb.Setup(0x00, 9, 2, 0, 0),          // configuration 2
		usb.Setup(0x00, 7, 0, 0, 0),          // SET_DESCRIPTOR
		usb.Setup(0x01, 11, 1, 0, 0),         // alternate setting 1
		usb.Setup(0x01, 11, 0, 2, 0),         // interface 2
		usb.Setup(0x81, 10, 0, 2, 1),         // the same
		usb.Setup(0x02, 1, 0, 0x06, 0),       // endpoint 6
		usb.Setup(0x02, 1, 0, 0x0185, 0),     // no such address
		usb.Setup(0x82, 0, 0, 0x06, 2),       //
		usb.Setup(0xA1, 1, 0x0100, 1, 64),    // GET_REPORT
		usb.Setup(0x21, 10, 0, 0, 0),         // SET_IDLE to the vendor interface
		usb.Setup(0x43, 0xFF, 0xFF, 0xFF, 0), // nothing at all
	} {
		_, err := h.Control(within(t), s, nil)
		require.ErrorIs(t, err, usb.ErrStall, "% x", s)
	}
	for _, s := range [][8]byte{
		usb.Setup(0x80, 0, 0, 0, 2), usb.Setup(0x81, 0, 0, 1, 2), usb.Setup(0x82, 0, 0, 0, 2), usb.Setup(0x82, 0, 0, 0x85, 2),
		usb.Setup(0x81, 10, 0, 0, 1), usb.Setup(0x00, 5, 9, 0, 0), usb.Setup(0x21, 10, 0, 1, 0), usb.Setup(0xA1, 2, 0, 1, 1),
		usb.Setup(0xA1, 3, 0, 1, 1), usb.Setup(0x21, 11, 1, 1, 0),
	} {
		_, err := h.Control(within(t), s, nil)
		require.NoError(t, err, "% x", s)
	}
}

func TestIdentityLimits(t *testing.T) {
	long := strings.Repeat("é", 300)
	for _, url := range []string{"", "ftp://x", "https://", "https://" + strings.Repeat("x", 253)} {
		p := usb.NewPort(usb.Identity{Serial: long, LandingURL: url}, &recorder{}, nil)
		d := p.Descriptors()
		require.Len(t, d.Strings[3], 2+2*126)
		require.Nil(t, d.BOS, url)
		require.Equal(t, uint16(0x0200), binary.LittleEndian.Uint16(d.Device[2:]), "bcdUSB 2.00 announces no BOS")
		h, err := p.Attach("test")
		require.NoError(t, err)
		_, err = h.Control(within(t), usb.Setup(0x80, 6, 0x0F00, 0, 255), nil)
		require.ErrorIs(t, err, usb.ErrStall)
	}
}
