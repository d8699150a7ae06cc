package devicesim

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/crypto/sha3"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/ecdsa"
	"imkey-connect/devicesim/hd"
)

// The Ethereum applet's instructions and the tags of its payloads: core/PROTOCOL.md section 6.
const (
	ethPrepareTransaction = 0x51
	ethSignTransaction    = 0x52
	ethPublicKey          = 0x53
	ethPrepareMessage     = 0x54
	ethSignMessage        = 0x55
	ethShowAddress        = 0x56

	ethTagBinding  = 0x00
	ethTagData     = 0x01
	ethTagPayment  = 0x07
	ethTagReceiver = 0x08
	ethTagFee      = 0x09
)

// ethMaxPayload is the longest payload that the lengths of its fields can write down.
const ethMaxPayload = 2 + 0xFF + 3 + 0xFFFF + 3*(2+0xFF)

// ethereum is the Ethereum applet.
type ethereum struct {
	chunks   chunks
	prepared *ethPrepared
}

// ethPrepared is what the person has confirmed.
type ethPrepared struct {
	by     byte // instruction; the one after it signs
	digest [32]byte
}

func (e *ethereum) drop() { *e = ethereum{} }

func (e *ethereum) exec(x *exchange, c apdu.Command) ([]byte, error) {
	switch {
	case c.CLA != 0x80:
		return nil, apdu.ClassNotSupported
	case c.INS < ethPrepareTransaction || c.INS > ethShowAddress:
		return nil, apdu.InstructionNotSupported
	case x.d.memory.Mnemonic == "":
		return nil, apdu.NoWallet
	}
	switch c.INS {
	case ethPrepareTransaction, ethPrepareMessage:
		return nil, e.prepare(x, c)
	case ethSignTransaction, ethSignMessage:
		return e.sign(x.d, c)
	case ethShowAddress:
		return nil, x.ethShowAddress(c)
	}
	return x.d.ethPublicKey(c)
}

// walletKey derives the key at a path written in ASCII.
func (d *Device) walletKey(path []byte) (hd.Key, error) {
	indices, err := hd.ParsePath(string(path))
	if err != nil {
		return hd.Key{}, apdu.WrongData
	}
	master, err := hd.FromMnemonic(d.memory.Mnemonic)
	if err != nil {
		return hd.Key{}, err
	}
	return master.Derive(indices)
}

// ethPublicKey answers the key at a path with the secure element's word for it. P1 01 says that the host will look at
// that; nothing here depends on it.
func (d *Device) ethPublicKey(c apdu.Command) ([]byte, error) {
	switch {
	case c.P1 > 0x01 || c.P2 != 0x00:
		return nil, apdu.WrongParameters
	case len(c.Data) == 0 || !anyLength(c):
		return nil, apdu.WrongLength
	}
	key, err := d.walletKey(c.Data)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	chain := key.ChainCode()
	answer := append(key.PublicKey(), chain[:]...)
	signature, err := d.se.Sign(sha256.Sum256(answer))
	return append(answer, signature...), err
}

// ethShowAddress shows an address, as the host sends it, until the person has compared it.
func (x *exchange) ethShowAddress(c apdu.Command) error {
	switch {
	case c.P1 != 0x00 || c.P2 != 0x00:
		return apdu.WrongParameters
	case len(c.Data) == 0 || !anyLength(c):
		return apdu.WrongLength
	}
	digits := strings.TrimPrefix(string(c.Data), "0x")
	if b, err := hex.DecodeString(digits); err != nil || len(b) != 20 {
		return apdu.WrongData
	}
	return x.confirm("address", pages("Addr: 0x"+digits)...)
}

// prepare gathers a payload, and with its last part checks who sent it and asks the person. Whatever was prepared before
// is lost with its first part.
func (e *ethereum) prepare(x *exchange, c apdu.Command) error {
	e.prepared = nil
	payload, err := e.chunks.add(c, ethMaxPayload)
	if err != nil || payload == nil {
		return err
	}
	p, err := parseEthPayload(c.INS, payload)
	if err != nil {
		return err
	}
	if err := x.d.checkHost(p.signature, p.signed); err != nil {
		return err
	}
	if err := x.confirm(p.remark(), p.screen()...); err != nil {
		return err
	}
	e.prepared = &ethPrepared{by: c.INS, digest: keccak(p.data)}
	return nil
}

// sign signs what the matching instruction prepared; a second signature needs the person again. The secure element leaves
// s as it is, and the recovery id belongs to that s.
func (e *ethereum) sign(d *Device, c apdu.Command) ([]byte, error) {
	switch {
	case c.P1 != 0x00 || c.P2 != 0x00:
		return nil, apdu.WrongParameters
	case len(c.Data) == 0 || !anyLength(c):
		return nil, apdu.WrongLength
	case e.prepared == nil || e.prepared.by != c.INS-1:
		return nil, apdu.ConditionsNotSatisfied
	}
	key, err := d.walletKey(c.Data)
	if err != nil {
		return nil, err
	}
	defer key.Wipe()
	private := key.Private()
	defer private.Zero()
	signature := ecdsa.Sign(private, e.prepared.digest, nil)
	e.prepared = nil
	r, s := signature.R.Bytes(), signature.S.Bytes()
	answer := append([]byte{1 + 32 + 32}, r[:]...)
	return append(append(answer, s[:]...), signature.RecoveryID), nil
}

// ethPayload is what a host wants signed.
type ethPayload struct {
	signature []byte // the binding signature
	signed    []byte // what it is over
	data      []byte // hashed and signed for the wallet
	// transaction is nil for messages, whose bytes nothing here ever reads.
	transaction            *ethTransaction
	payment, receiver, fee string // the host's words, for transactions
}

// parseEthPayload reads a payload; anything wrong with it is [apdu.WrongData].
func parseEthPayload(ins byte, payload []byte) (p ethPayload, err error) {
	f := fields{rest: payload}
	p.signature = f.next(ethTagBinding, 1)
	p.signed = f.rest
	p.data = f.next(ethTagData, 2)
	if ins == ethPrepareTransaction {
		p.payment, p.receiver, p.fee = string(f.next(ethTagPayment, 1)), string(f.next(ethTagReceiver, 1)), string(f.next(ethTagFee, 1))
	}
	if err := f.end(); err != nil {
		return ethPayload{}, err
	}
	if ins == ethPrepareTransaction {
		p.transaction = parseEthTransaction(p.data)
		if p.transaction == nil || !printable(p.payment, "") || !printable(p.receiver, "") || !printable(p.fee, "") {
			return ethPayload{}, apdu.WrongData
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
