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

// appletCommands are the names of the instructions of the IMK and Ethereum applets (core/PROTOCOL.md sections 5 and 6).
var appletCommands = map[byte]string{
	0x51: "prepare transaction",
	0x52: "sign transaction",
	0x53: "read public key",
	0x54: "prepare message",
	0x55: "sign message",
	0x56: "show address",
	0x71: "BIND_CHECK",
	0x72: "show binding code",
	0x73: "IDENTITY_VERIFY",
}

// CommandText returns the name of a command APDU, as "SELECT IMK", "BIND_CHECK" or "read SEID". The name of an unknown command
// has its header.
func CommandText(command []byte) string {
	if len(command) < 4 {
		return fmt.Sprintf("malformed command of %d bytes", len(command))
	}
	if name, ok := cardCommands[hex.EncodeToString(command)]; ok {
		return name
	}
	cla, ins := command[0], command[1]
	switch {
	case cla == 0x00 && ins == 0xA4 && command[2] == 0x04:
		return "SELECT " + appletText(command[4:])
	case cla == 0xFF && ins == 0xDA && command[2] == 0x46 && command[3] == 0x54:
		return "write BLE name"
	case cla == 0x80:
		if name, ok := appletCommands[ins]; ok {
			return name + chunkText(ins, command[2], command[3]) + argumentText(ins, command[4:])
		}
	}
	return fmt.Sprintf("unknown command %02x %02x %02x %02x", cla, ins, command[2], command[3])
}

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

// chunkText says which chunk of a long payload a command has (core/PROTOCOL.md section 3).
func chunkText(ins, p1, p2 byte) string {
	if ins != 0x51 && ins != 0x54 {
		return ""
	}
	switch {
	case p1 == 0x00 && p2 == 0x80:
		return ""
	case p1 == 0x00:
		return ", first part"
	case p2 == 0x80:
		return ", last part"
	}
	return ", next part"
}

// argumentText returns the path or the address in a command, given the bytes from Lc on.
func argumentText(ins byte, body []byte) string {
	if ins != 0x52 && ins != 0x53 && ins != 0x55 && ins != 0x56 || len(body) < 2 || len(body) < 1+int(body[0]) {
		return ""
	}
	text := string(body[1 : 1+int(body[0])])
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return " " + text
}

// ResponseText returns what a response means as the answer to a command, as "BIND_CHECK → bound elsewhere", "SELECT IMK → ok"
// or "sign transaction → rejected on the device".
func ResponseText(command, response []byte) string {
	name := "answer"
	if len(command) > 0 {
		name = CommandText(command)
	}
	return name + " → " + outcome(command, response)
}

func outcome(command, response []byte) string {
	if len(response) < 2 {
		return fmt.Sprintf("malformed response of %d bytes", len(response))
	}
	data, status := response[:len(response)-2], binary.BigEndian.Uint16(response[len(response)-2:])
	if status != 0x9000 {
		if name, ok := statusNames[status]; ok {
			return name
		}
		return fmt.Sprintf("unknown status %04x", status)
	}
	if len(command) >= 2 && command[0] == 0x80 && len(data) > 0 {
		switch {
		case command[1] == 0x71 && data[0] == 0x00:
			return "unbound"
		case command[1] == 0x71 && data[0] == 0x55:
			return "bound to this app"
		case command[1] == 0x71 && data[0] == 0xAA:
			return "bound elsewhere"
		case command[1] == 0x73 && data[0] == 0x5A:
			return "bound"
		case command[1] == 0x73 && data[0] == 0xA5:
			return "wrong code"
		case command[1] == 0x53 && len(data) > 65+32:
			return "public key"
		case (command[1] == 0x52 || command[1] == 0x55) && len(data) == 66:
			return "signed"
		case command[1] == 0x71 || command[1] == 0x73:
			return fmt.Sprintf("unknown result %02x", data[0])
		}
	}
	switch len(data) {
	case 0:
		return "ok"
	case 1:
		return "ok, 1 byte"
	}
	return fmt.Sprintf("ok, %d bytes", len(data))
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
