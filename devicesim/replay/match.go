package replay

import (
	"bytes"
	"slices"

	"imkey-connect/core/apdu"
)

// The commands that differ between hosts: core/PROTOCOL.md sections 5 and 6.
const (
	insBindCheck      = 0x71 // has the app key
	insIdentityVerify = 0x73 // has the app key and the proof
	insPrepareTx      = 0x51 // its payload begins with the binding signature
	insPrepareMessage = 0x54 // the same

	last = 0x80 // P2 of a payload's last chunk
)

// selected returns the AID of the applet that is selected before an exchange. It is empty before the first SELECT, and for the card
// manager. Other applets have other commands with the instructions above.
func (s Script) selected(before int) (aid string) {
	for _, e := range s.Exchanges[:before] {
		if c, err := apdu.Parse(e.Command); err == nil && c.CLA == 0x00 && c.INS == 0xA4 && bytes.HasSuffix(e.Answer, []byte{0x90, 0x00}) {
			aid = string(c.Data)
		}
	}
	return aid
}

// canonical returns a command of an applet without what differs between hosts. It does not change a chunk: the binding signature
// has no fixed length, so hosts cut the rest of the payload at different places.
func canonical(aid string, command []byte) []byte {
	c, err := apdu.Parse(command)
	if err != nil || aid != "" && aid != "i_imk" || c.CLA != 0x80 || c.INS != insBindCheck && c.INS != insIdentityVerify {
		return command
	}
	return append(slices.Clone(command[:4]), byte(len(c.Data)>>8), byte(len(c.Data)))
}

// chunk parses a command of an applet that has a chunk of a payload with a binding signature.
func chunk(aid string, command []byte) (c apdu.Command, ok bool) {
	c, err := apdu.Parse(command)
	return c, err == nil && (aid == "" || aid == "i_eth") && c.CLA == 0x80 && (c.INS == insPrepareTx || c.INS == insPrepareMessage) && len(c.Data) > 0
}

// payload is a payload that comes in chunks.
type payload struct {
	ins  byte
	data []byte
}

// add adds a chunk and reports whether the payload is complete.
func (p *payload) add(c apdu.Command) (complete bool) {
	if c.P1 == 0 {
		*p = payload{ins: c.INS}
	}
	p.data = append(p.data, c.Data...)
	return c.P2 == last
}

// canonical returns the instruction and the payload without its binding signature, which stands after 00 and its length.
func (p *payload) canonical() []byte {
	if len(p.data) < 2 || p.data[0] != 0 || len(p.data) < 2+int(p.data[1]) {
		return append([]byte{p.ins}, p.data...)
	}
	return append([]byte{p.ins}, p.data[2+int(p.data[1]):]...)
}

// payload returns the canonical form of the payload whose first chunk has an index, and the index of its last chunk.
func (s Script) payload(first int) (canonical []byte, end int, ok bool) {
	var p payload
	aid := s.selected(first)
	for i := first; i < len(s.Exchanges); i++ {
		c, ok := chunk(aid, s.Exchanges[i].Command)
		if !ok || (i == first) != (c.P1 == 0) || i > first && c.INS != p.ins {
			return nil, 0, false
		}
		if p.add(c) {
			return p.canonical(), i, true
		}
		if !bytes.Equal(s.Exchanges[i].Answer, []byte{0x90, 0x00}) {
			return nil, 0, false // the device refused a chunk, so each byte must match
		}
	}
	return nil, 0, false
}
