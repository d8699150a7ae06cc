package trace

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// form is what a command has besides its name.
type form int

const (
	plain   form = iota
	chunked      // a part of a payload: P1 is 00 in the first one and 80 in the others
	series       // a part of a payload whose parts have one P1
	text         // a path or an address
)

// instruction is a command of an applet.
type instruction struct {
	name string
	form form
}

// instructions are those of each applet, by the name in appletNames (core/PROTOCOL.md sections 5, 6, 10 to 12). The empty name is for
// an applet that is not known: its commands are named as those of IMK and Ethereum, which have none in common.
var instructions = map[string]map[byte]instruction{
	"": {
		0x51: {"prepare transaction", chunked}, 0x52: {"sign transaction", text}, 0x53: {"read public key", text},
		0x54: {"prepare message", chunked}, 0x55: {"sign message", text}, 0x56: {"show address", text},
		0x71: {"BIND_CHECK", plain}, 0x72: {"show binding code", plain}, 0x73: {"IDENTITY_VERIFY", plain},
	},
	"TRON": {0x81: {"sign", chunked}, 0x82: {"read public key", plain}, 0x83: {"show address", plain}},
	"Cosmos": {
		0x71: {"prepare transaction", chunked}, 0x72: {"sign transaction", text}, 0x73: {"read public key", text}, 0x76: {"show address", text},
	},
	"Bitcoin": {
		0x31: {"list", series}, 0x32: {"sign by BIP-143", plain}, 0x36: {"show address", text}, 0x37: {"show address", plain},
		0x40: {"sign by BIP-341", plain}, 0x41: {"prepare transaction", series}, 0x42: {"sign input", text}, 0x43: {"read public key", text},
		0x45: {"sign input", text}, 0x46: {"legacy inputs", chunked}, 0x4B: {"prepare PSBT", series}, 0x4C: {"show outputs", plain},
		0x4E: {"prepare Dogecoin transaction", series}, 0x50: {"legacy inputs of a PSBT", chunked}, 0x51: {"sign message", series},
	},
}

// lists are the names of Bitcoin's lists, by P1.
var lists = map[byte]string{0x40: "outpoints", 0x80: "sequences", 0x20: "amounts", 0x21: "scripts", 0x00: "prepare transaction"}

// Texts names the commands of one device in their order. It follows SELECT, because applets have different commands with the same
// instruction. The zero value is for a device whose applet is not known.
type Texts struct{ applet string }

// instruction returns the instruction of a command, if the applet has it.
func (t *Texts) instruction(command []byte) (i instruction, ok bool) {
	if len(command) < 4 || command[0] != 0x80 {
		return instruction{}, false
	}
	known, ok := instructions[t.applet]
	if !ok {
		known = instructions[""]
	}
	i, ok = known[command[1]]
	if name := lists[command[2]]; ok && i.name == "list" && name != "" {
		i.name = name
	}
	return i, ok
}

// Command returns the name of a command APDU, as "SELECT IMK", "BIND_CHECK" or "read SEID". The name of an unknown command has its
// header.
func (t *Texts) Command(command []byte) string {
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
	}
	if i, ok := t.instruction(command); ok {
		return i.name + partText(i.form, command[2], command[3]) + argumentText(i.form, command[4:])
	}
	return fmt.Sprintf("unknown command %02x %02x %02x %02x", cla, ins, command[2], command[3])
}

// Response returns what a response means as the answer to a command, as "BIND_CHECK → bound elsewhere", "SELECT IMK → ok" or "sign
// transaction → rejected on the device". After a SELECT that succeeded, commands are those of that applet.
func (t *Texts) Response(command, response []byte) string {
	name := "answer"
	if len(command) > 0 {
		name = t.Command(command)
	}
	said := name + " → " + t.outcome(command, response)
	if len(command) >= 4 && command[0] == 0x00 && command[1] == 0xA4 && command[2] == 0x04 && len(response) >= 2 &&
		binary.BigEndian.Uint16(response[len(response)-2:]) == 0x9000 {
		t.applet = appletText(command[4:])
	}
	return said
}

// outcome returns what a response means.
func (t *Texts) outcome(command, response []byte) string {
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
	if i, ok := t.instruction(command); ok && len(data) > 0 {
		if said := i.outcome(data); said != "" {
			return said
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

// outcome returns what the data of a successful answer means, or "".
func (i instruction) outcome(data []byte) string {
	switch i.name {
	case "BIND_CHECK":
		if said, ok := map[byte]string{0x00: "unbound", 0x55: "bound to this app", 0xAA: "bound elsewhere"}[data[0]]; ok {
			return said
		}
		return fmt.Sprintf("unknown result %02x", data[0])
	case "IDENTITY_VERIFY":
		if said, ok := map[byte]string{0x5A: "bound", 0xA5: "wrong code"}[data[0]]; ok {
			return said
		}
		return fmt.Sprintf("unknown result %02x", data[0])
	case "read public key":
		if len(data) > 65+32 {
			return "public key"
		}
	case "show outputs":
		return "next page " + hex.EncodeToString(data)
	case "sign", "sign transaction", "sign message", "sign input", "sign by BIP-143", "sign by BIP-341":
		if len(data) >= 65 {
			return "signed"
		}
	}
	return ""
}

// partText says which part of a long payload a command has (core/PROTOCOL.md sections 3 and 12).
func partText(f form, p1, p2 byte) string {
	switch {
	case f == series && p2 == 0x00:
		return ", part"
	case f != chunked, p1 == 0x00 && p2 == 0x80:
		return ""
	case p1 == 0x00:
		return ", first part"
	case p2 == 0x80:
		return ", last part"
	}
	return ", next part"
}

// argumentText returns the path or the address in a command, given the bytes from Lc on.
func argumentText(f form, body []byte) string {
	if f != text || len(body) < 2 || len(body) < 1+int(body[0]) {
		return ""
	}
	argument := string(body[1 : 1+int(body[0])])
	for _, c := range []byte(argument) {
		if c <= ' ' || c > '~' {
			return ""
		}
	}
	return " " + argument
}
