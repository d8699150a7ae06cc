package replay

import (
	"bytes"
	"slices"

	"imkey-connect/core/apdu"
)

// What of a command depends on its host: core/PROTOCOL.md sections 5 and 6.
const (
	insBindCheck      = 0x71 // the host's key
	insIdentityVerify = 0x73 // the host's key and its proof
	insPrepareTx      = 0x51 // begins with the host's signature
	insPrepareMessage = 0x54

	last = 0x80 // P2 of a payload's last piece
)

// canonical is a command without what every host has of its own. A payload's pieces are told apart by their place alone:
// the signature before the rest has no fixed length, so the rest is cut elsewhere.
func canonical(command []byte) []byte {
	c, err := apdu.Parse(command)
	if err != nil || c.CLA != 0x80 || c.INS != insBindCheck && c.INS != insIdentityVerify {
		return command
	}
	return append(slices.Clone(command[:4]), byte(len(c.Data)>>8), byte(len(c.Data)))
}

// piece says whether a command carries a part of a payload that its host has signed, and its parts.
func piece(command []byte) (c apdu.Command, ok bool) {
	c, err := apdu.Parse(command)
	return c, err == nil && c.CLA == 0x80 && (c.INS == insPrepareTx || c.INS == insPrepareMessage) && len(c.Data) > 0
}

// gathered is a payload put together from its pieces, its signature taken out.
type gathered struct {
	ins  byte
	data []byte
}

// add takes one piece and says whether the payload is complete.
func (g *gathered) add(c apdu.Command) (complete bool) {
	if c.P1 == 0 {
		*g = gathered{ins: c.INS}
	}
	g.data = append(g.data, c.Data...)
	return c.P2 == last
}

// canonical is the payload without the host's signature: 00, its length, the signature, the rest.
func (g *gathered) canonical() []byte {
	if len(g.data) < 2 || g.data[0] != 0 || len(g.data) < 2+int(g.data[1]) {
		return append([]byte{g.ins}, g.data...)
	}
	return append([]byte{g.ins}, g.data[2+int(g.data[1]):]...)
}

// payload gathers the payload that begins at exchange at, and says where its last piece is.
func (s Script) payload(at int) (canonical []byte, end int, ok bool) {
	var g gathered
	for i := at; i < len(s.Exchanges); i++ {
		c, ok := piece(s.Exchanges[i].Command)
		if !ok || (i == at) != (c.P1 == 0) || i > at && c.INS != g.ins {
			return nil, 0, false
		}
		if g.add(c) {
			return g.canonical(), i, true
		}
		if !bytes.Equal(s.Exchanges[i].Answer, []byte{0x90, 0x00}) {
			return nil, 0, false // the device refused a piece: each byte counts then
		}
	}
	return nil, 0, false
}
