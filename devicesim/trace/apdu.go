package trace

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

var statusNames = map[uint16]string{
	0x9000: "ok",
	0x6700: "wrong length",
	0x6940: "rejected on the device",
	0x6941: "too many UTXOs",
	0x6942: "signature verification failed",
	0x6943: "mnemonic check failed",
	0x6944: "mnemonic check cancelled",
	0x6985: "conditions of use not satisfied",
	0x6A80: "wrong data",
	0x6A82: "no such applet",
	0x6A86: "wrong P1 or P2",
	0x6D00: "instruction not supported",
	0x6E00: "class not supported",
	0x6F01: "Bluetooth channel error",
	0x905A: "switched to the boot loader",
	0xF000: "no wallet",
	0xF080: "in a menu",
	0xF081: "PIN not entered",
}

var appletNames = map[string]string{
	"695f696d6b":             "IMK",
	"695f657468":             "Ethereum",
	"695f627463":             "Bitcoin",
	"695f656f73":             "EOS",
	"695f636f736d6f73":       "Cosmos",
	"695f6b315f66696c":       "Filecoin",
	"695f65645f646f74":       "Polkadot",
	"695f65645f6b736d":       "Kusama",
	"695f6b315f747278":       "TRON",
	"695f6b315f636b62":       "Nervos",
	"695f65645f78747a":       "Tezos",
	"695f626368":             "Bitcoin Cash",
	"695f6c7463":             "Litecoin",
	"695f646f6765636f696e":   "Dogecoin",
	"d0426f6f746c6f61646572": "boot loader",
}

// cardCommands are the names of the card manager's read commands, by all bytes of the command (core/PROTOCOL.md section 3).
var cardCommands = map[string]string{
	"80cb800005dfff028101":     "read SEID",
	"80ca004400":               "read serial number",
	"80cb800005dfff02800300":   "read firmware version",
	"80ca800900":               "read boot loader version",
	"80cb800005dfff02814600":   "read RAM size",
	"80cabf2106a6048302151800": "read certificate",
	"00d6feed01":               "read battery",
	"ffdcfeed00":               "read life cycle",
	"80cb800005dfff02814700":   "read life cycle",
	"ffdb465400":               "read BLE name",
	"80cb800005dfff02810000":   "read BLE version",
}

// CommandText returns the name of a command of a device whose applet is not known, as [Texts.Command] does.
func CommandText(command []byte) string { return new(Texts).Command(command) }

// ResponseText returns what a response means as the answer to a command of such a device, as [Texts.Response] does.
func ResponseText(command, response []byte) string { return new(Texts).Response(command, response) }

// appletText returns the name of the applet in a SELECT, given the bytes from Lc on. Without an AID it is the card manager.
func appletText(body []byte) string {
	if len(body) == 0 || body[0] == 0 {
		return "card manager"
	}
	length := int(body[0])
	if len(body) < 1+length {
		return "with a wrong length"
	}
	aid := hex.EncodeToString(body[1 : 1+length])
	if name, ok := appletNames[aid]; ok {
		return name
	}
	return "unknown applet " + aid
}

// ControlText returns the name of a USB control request, given its setup packet (USB 2.0 section 9.3, WebUSB section 5).
func ControlText(setup [8]byte) string {
	requestType, request := setup[0], setup[1]
	value := binary.LittleEndian.Uint16(setup[2:])
	index := binary.LittleEndian.Uint16(setup[4:])
	length := binary.LittleEndian.Uint16(setup[6:])
	if requestType&0x60 == 0 {
		if name, ok := standardRequests[request]; ok {
			if request == 6 {
				return name + " " + descriptorText(value)
			}
			return fmt.Sprintf("%s %d", name, value)
		}
	}
	kind := [4]string{"standard", "class", "vendor", "reserved"}[requestType>>5&3]
	return fmt.Sprintf("%s request %02x, value %04x, index %04x, %d bytes", kind, request, value, index, length)
}

var standardRequests = map[byte]string{
	0: "GET_STATUS", 1: "CLEAR_FEATURE", 3: "SET_FEATURE", 5: "SET_ADDRESS", 6: "GET_DESCRIPTOR",
	8: "GET_CONFIGURATION", 9: "SET_CONFIGURATION", 10: "GET_INTERFACE", 11: "SET_INTERFACE",
}

func descriptorText(value uint16) string {
	name := map[byte]string{1: "device", 2: "configuration", 3: "string", 6: "qualifier", 15: "BOS", 0x22: "HID report"}[byte(value>>8)]
	if name == "" {
		name = fmt.Sprintf("%02x", value>>8)
	}
	if value>>8 == 3 {
		name = fmt.Sprintf("%s %d", name, value&0xFF)
	}
	return strings.TrimSpace(name)
}
