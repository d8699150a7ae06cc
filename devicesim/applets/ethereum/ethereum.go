// Package ethereum is the Ethereum applet (core/PROTOCOL.md section 6).
package ethereum

import (
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/sha3"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// The instructions, and the tags of the payloads.
const (
	prepareTransaction = 0x51
	signTransaction    = 0x52
	publicKey          = 0x53
	prepareMessage     = 0x54
	signMessage        = 0x55
	showAddress        = 0x56

	tagBinding  = 0x00
	tagData     = 0x01
	tagPayment  = 0x07
	tagReceiver = 0x08
	tagFee      = 0x09
)

// maxPayload is the greatest length of a payload: every field has the greatest length that it can state.
const maxPayload = 2 + 0xFF + 3 + 0xFFFF + 3*(2+0xFF)

// Applet is the Ethereum applet. Recorded devices answer no version.
var Applet = applet.Applet{
	AID: "i_eth", Name: "ethereum",
	New: func() applet.Instance { return &ethereum{} },
}

// ethereum is an instance of the applet.
type ethereum struct {
	chunks   applet.Chunks
	prepared *prepared
}

// prepared is what the user has confirmed.
type prepared struct {
	by     byte // the instruction that prepared it; the next instruction signs
	digest [32]byte
}

func (e *ethereum) Forget() { *e = ethereum{} }

func (e *ethereum) Execute(d applet.Device, c apdu.Command) ([]byte, error) {
	switch {
	case c.CLA != 0x80:
		return nil, apdu.ClassNotSupported
	case c.INS < prepareTransaction || c.INS > showAddress:
		return nil, apdu.InstructionNotSupported
	case !d.HasWallet():
		return nil, apdu.NoWallet
	}
	switch c.INS {
	case prepareTransaction, prepareMessage:
		return nil, e.prepare(d, c)
	case signTransaction, signMessage:
		return e.sign(d, c)
	case showAddress:
		return nil, confirmAddress(d, c)
	}
	return readKey(d, c)
}

// readKey answers the public key and the chain code at a path, with the secure element's signature over both. P1 01 says
// that the host verifies the signature; the answer is the same.
func readKey(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, c.P1&0x01, 0x00); err != nil {
		return nil, err
	}
	return applet.PublicKey(d, string(c.Data))
}

// confirmAddress shows an address, as the host sends it, until the user has compared it.
func confirmAddress(d applet.Device, c apdu.Command) error {
	if err := applet.ExpectData(c, 0x00, 0x00); err != nil {
		return err
	}
	digits := strings.TrimPrefix(string(c.Data), "0x")
	if b, err := hex.DecodeString(digits); err != nil || len(b) != 20 {
		return apdu.WrongData
	}
	return d.Confirm("address", "Addr: 0x"+digits)
}

// prepare collects a payload. With its last command it checks the binding signature and asks the user. The first command
// discards what was prepared before.
func (e *ethereum) prepare(d applet.Device, c apdu.Command) error {
	e.prepared = nil
	b, err := e.chunks.Add(c, maxPayload)
	if err != nil || b == nil {
		return err
	}
	p, err := parsePayload(c.INS, b)
	if err != nil {
		return err
	}
	if err := d.CheckBinding(p.signature, p.signed); err != nil {
		return err
	}
	if err := d.Confirm(p.caption(), p.texts()...); err != nil {
		return err
	}
	e.prepared = &prepared{by: c.INS, digest: keccak(p.data)}
	return nil
}

// sign signs what the matching instruction has prepared, once. It does not normalise s, and the recovery id belongs to
// that s.
func (e *ethereum) sign(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, 0x00, 0x00); err != nil {
		return nil, err
	}
	if e.prepared == nil || e.prepared.by != c.INS-1 {
		return nil, apdu.ConditionsNotSatisfied
	}
	answer, err := applet.Sign(d, string(c.Data), e.prepared.digest)
	if err != nil {
		return nil, err
	}
	e.prepared = nil
	return answer, nil
}

// payload is what a host wants to have signed.
type payload struct {
	signature []byte // the binding signature
	signed    []byte // the bytes that it signs
	data      []byte // hashed and signed with the wallet's key
	// transaction is nil for a message, whose bytes are not parsed.
	transaction            *transaction
	payment, receiver, fee string // the host's texts for a transaction
}

// parsePayload parses the payload of an instruction. Every error is [apdu.WrongData].
func parsePayload(ins byte, b []byte) (p payload, err error) {
	f := applet.NewFields(b)
	p.signature = f.Next(tagBinding, 1)
	p.signed = f.Rest()
	p.data = f.Next(tagData, 2)
	if ins == prepareTransaction {
		p.payment, p.receiver, p.fee = string(f.Next(tagPayment, 1)), string(f.Next(tagReceiver, 1)), string(f.Next(tagFee, 1))
	}
	if err := f.End(); err != nil {
		return payload{}, err
	}
	if ins == prepareTransaction {
		p.transaction = parseTransaction(p.data)
		if p.transaction == nil || !applet.Printable(p.payment) || !applet.Printable(p.receiver) || !applet.Printable(p.fee) {
			return payload{}, apdu.WrongData
		}
	}
	return p, nil
}

func keccak(b []byte) (sum [32]byte) {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	h.Sum(sum[:0])
	return sum
}
