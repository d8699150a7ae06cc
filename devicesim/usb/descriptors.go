package usb

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"

	"imkey-connect/core/usbids"
)

// Descriptor types (USB 2.0 table 9-5, HID 1.11 section 7.1, USB 3.2 section 9.6.2).
const (
	descDevice        = 0x01
	descConfiguration = 0x02
	descString        = 0x03
	descInterface     = 0x04
	descEndpoint      = 0x05
	descBOS           = 0x0F
	descCapability    = 0x10
	descHID           = 0x21
	descReport        = 0x22
)

const (
	configurationValue = 1
	// BcdDevice is the device release number, 1.00.
	BcdDevice = 0x0100
	// WebUSBVendorCode is the bRequest of WebUSB's GET_URL.
	WebUSBVendorCode = 0x21
	webUSBGetURL     = 2
	landingPageIndex = 1
	langEnglishUS    = 0x0409

	stringManufacturer = 1
	stringProduct      = 2
	stringSerial       = 3
)

// Descriptors are the encoded descriptors of a device.
type Descriptors struct {
	Device        []byte
	Configuration []byte   // with its interfaces, endpoints and the HID descriptor
	Strings       [][]byte // by index; 0 is the list of languages
	BOS           []byte   // nil without a landing page
	LandingPage   []byte   // WebUSB URL descriptor; nil without one
	HIDReport     []byte
}

// hidReport describes one 64-byte report in each direction on a vendor-defined usage page.
var hidReport = []byte{
	0x06, 0x00, 0xFF, 0x09, 0x01, 0xA1, 0x01,
	0x09, 0x02, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, PacketSize, 0x81, 0x02,
	0x09, 0x03, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, 0x95, PacketSize, 0x91, 0x02,
	0xC0,
}

// webUSBUUID is {3408b638-09a9-47a0-8bfd-a0768815b665} (WebUSB, section 4.1.1), in the byte order of the descriptor.
var webUSBUUID = []byte{0x38, 0xB6, 0x08, 0x34, 0xA9, 0x09, 0xA0, 0x47, 0x8B, 0xFD, 0xA0, 0x76, 0x88, 0x15, 0xB6, 0x65}

func describe(id Identity) Descriptors {
	d := Descriptors{HIDReport: hidReport, LandingPage: urlDescriptor(id.LandingURL)}
	bcdUSB := uint16(0x0200)
	if d.LandingPage != nil {
		bcdUSB = 0x0210 // WebUSB requires 2.10, and a BOS requires 2.01
		d.BOS = bosDescriptor()
	}

	d.Device = []byte{18, descDevice}
	d.Device = binary.LittleEndian.AppendUint16(d.Device, bcdUSB)
	d.Device = append(d.Device, 0, 0, 0, PacketSize) // each interface has its own class
	for _, v := range []uint16{VendorID, ProductID, BcdDevice} {
		d.Device = binary.LittleEndian.AppendUint16(d.Device, v)
	}
	d.Device = append(d.Device, stringManufacturer, stringProduct, stringSerial, 1)

	d.Configuration = configurationDescriptor()
	d.Strings = [][]byte{
		{4, descString, langEnglishUS & 0xFF, langEnglishUS >> 8},
		stringDescriptor(id.Manufacturer),
		stringDescriptor(id.Product),
		stringDescriptor(id.Serial),
	}
	return d
}

func configurationDescriptor() []byte {
	const bulk, interrupt = 2, 3
	endpoint := func(address, kind, interval byte) []byte {
		return []byte{7, descEndpoint, address, kind, PacketSize, 0, interval}
	}
	body := []byte{9, descInterface, VendorInterface, 0, 2, usbids.InterfaceClass, 0, 0, 0}
	body = append(body, endpoint(EndpointOut, bulk, 0)...)
	body = append(body, endpoint(EndpointIn, bulk, 0)...)
	body = append(body, 9, descInterface, HIDInterface, 0, 2, 0x03, 0, 0, 0)
	body = append(body, 9, descHID, 0x11, 0x01, 0, 1, descReport, byte(len(hidReport)), 0)
	body = append(body, endpoint(EndpointHIDIn, interrupt, 4)...)
	body = append(body, endpoint(EndpointHIDOut, interrupt, 4)...)

	const busPowered, milliamps = 0x80, 100
	head := []byte{9, descConfiguration}
	head = binary.LittleEndian.AppendUint16(head, uint16(9+len(body)))
	head = append(head, 2, configurationValue, 0, busPowered, milliamps/2)
	return append(head, body...)
}

// stringDescriptor encodes at most 126 UTF-16 units, the maximum of a descriptor.
func stringDescriptor(s string) []byte {
	units := utf16.Encode([]rune(s))
	units = units[:min(len(units), 126)]
	b := []byte{byte(2 + 2*len(units)), descString}
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func bosDescriptor() []byte {
	platform := append([]byte{24, descCapability, 5, 0}, webUSBUUID...)
	platform = append(platform, 0x00, 0x01, WebUSBVendorCode, landingPageIndex)
	b := []byte{5, descBOS}
	b = binary.LittleEndian.AppendUint16(b, uint16(5+len(platform)))
	b = append(b, 1)
	return append(b, platform...)
}

// urlDescriptor returns WebUSB's URL descriptor (section 4.3.1), or nil for a URL that it cannot hold.
func urlDescriptor(url string) []byte {
	for scheme, prefix := range []string{"http://", "https://"} {
		rest, ok := strings.CutPrefix(url, prefix)
		if ok && rest != "" && len(rest) <= 252 {
			return append([]byte{byte(3 + len(rest)), 3, byte(scheme)}, rest...)
		}
	}
	return nil
}
