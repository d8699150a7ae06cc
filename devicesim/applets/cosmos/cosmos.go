// Package cosmos is the Cosmos applet (core/PROTOCOL.md section 11).
//
// No recording of a real device exists for this applet. The commands are those that public host programs send, and the wallet's
// keys and signatures are those that they received. The rest is the simulator's choice: the texts on the screen, the binding
// signature that may be empty as in the Ethereum applet, the first and the last byte of a signature, s that is not normalised,
// how long a confirmed payload lives, and the status words of malformed commands.
package cosmos

import (
	"encoding/hex"

	"github.com/btcsuite/btcd/address/v2/bech32"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
)

// The instructions, and the tags of the payload.
const (
	prepare     = 0x71
	sign        = 0x72
	publicKey   = 0x73
	showAddress = 0x76

	tagBinding  = 0x00
	tagHash     = 0x01
	tagPayment  = 0x07
	tagReceiver = 0x08
	tagFee      = 0x09
)

// maxPayload is the greatest length of a payload: every field has the greatest length that it can state.
const maxPayload = 5 * (2 + 0xFF)

// Applet is the Cosmos applet. Which version a real one answers is not public.
var Applet = applet.Applet{
	AID: "i_cosmos", Name: "cosmos",
	New: func() applet.Instance { return &cosmos{} },
}

// cosmos is an instance of the applet.
type cosmos struct {
	chunks   applet.Chunks
	prepared *[32]byte // the hash that the user has confirmed
}

func (a *cosmos) Forget() { *a = cosmos{} }

func (a *cosmos) Execute(d applet.Device, c apdu.Command) ([]byte, error) {
	if c.CLA != 0x80 {
		return nil, apdu.ClassNotSupported
	}
	execute, ok := map[byte]func(applet.Device, apdu.Command) ([]byte, error){
		prepare: a.prepare, sign: a.sign, publicKey: readKey, showAddress: confirmAddress,
	}[c.INS]
	switch {
	case !ok:
		return nil, apdu.InstructionNotSupported
	case !d.HasWallet():
		return nil, apdu.NoWallet
	}
	return execute(d, c)
}

// readKey answers the public key and the chain code at a path, with the secure element's signature over both. Hosts send P1 01.
// The request has no binding signature.
func readKey(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, c.P1&0x01, 0x00); err != nil {
		return nil, err
	}
	return applet.PublicKey(d, string(c.Data))
}

// prepare collects a payload. With its last command it checks the binding signature and asks the user. The first command
// discards what was prepared before.
func (a *cosmos) prepare(d applet.Device, c apdu.Command) ([]byte, error) {
	a.prepared = nil
	b, err := a.chunks.Add(c, maxPayload)
	if err != nil || b == nil {
		return nil, err
	}
	r, err := parseRequest(b)
	if err != nil {
		return nil, err
	}
	if err := d.CheckBinding(r.signature, r.signed); err != nil {
		return nil, err
	}
	if err := d.Confirm("transaction", r.texts()...); err != nil {
		return nil, err
	}
	a.prepared = &r.hash
	return nil, nil
}

// sign signs what was prepared, once, with the key at the path of this command: neither the binding signature nor the user's OK
// is about the path. The answer has no signature of the secure element.
func (a *cosmos) sign(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, 0x00, 0x00); err != nil {
		return nil, err
	}
	if a.prepared == nil {
		return nil, apdu.ConditionsNotSatisfied
	}
	answer, err := applet.Sign(d, string(c.Data), *a.prepared)
	if err != nil {
		return nil, err
	}
	a.prepared = nil
	return answer, nil
}

// confirmAddress shows an address, as the host sends it, until the user has compared it. The host sends no path, so the applet
// cannot know whether the address is the wallet's. It accepts the prefix of any chain.
func confirmAddress(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, 0x00, 0x00); err != nil {
		return nil, err
	}
	_, digits, version, err := bech32.DecodeGeneric(string(c.Data))
	if err != nil || version != bech32.Version0 {
		return nil, apdu.WrongData
	}
	account, err := bech32.ConvertBits(digits, 5, 8, false)
	if err != nil || len(account) != 20 {
		return nil, apdu.WrongData
	}
	return nil, d.Confirm("address", "Addr: "+string(c.Data))
}

// request is what a host wants to have signed.
type request struct {
	signature []byte // the binding signature
	signed    []byte // the bytes that it signs
	hash      [32]byte
	// The host's texts. A host that cannot describe the transaction leaves all three empty.
	payment, receiver, fee string
}

// parseRequest parses the payload of a request to sign. Every error is [apdu.WrongData].
func parseRequest(b []byte) (r request, err error) {
	f := applet.NewFields(b)
	r.signature = f.Next(tagBinding, 1)
	r.signed = f.Rest()
	hash := f.Next(tagHash, 1)
	r.payment, r.receiver, r.fee = string(f.Next(tagPayment, 1)), string(f.Next(tagReceiver, 1)), string(f.Next(tagFee, 1))
	if err := f.End(); err != nil {
		return request{}, err
	}
	if len(hash) != len(r.hash) || !applet.Printable(r.payment) || !applet.Printable(r.receiver) || !applet.Printable(r.fee) {
		return request{}, apdu.WrongData
	}
	r.hash = [32]byte(hash)
	return r, nil
}

// texts returns what the user reads before signing: the texts of the host, which the applet cannot compare with the hash. If
// there are none, it returns the hash.
func (r *request) texts() []string {
	if r.payment == "" && r.receiver == "" && r.fee == "" {
		return []string{"Hash:\n" + hex.EncodeToString(r.hash[:])}
	}
	return []string{"Pay: " + r.payment, "To: " + r.receiver, "Fee: " + r.fee}
}
