// Package tron is the TRON applet (core/PROTOCOL.md section 10).
//
// No recording of a real device exists for this applet. The commands are those that public host programs send, and the wallet's
// keys and signatures are those that they received. The rest is the simulator's choice: the texts on the screen, the binding
// signature that may be empty as in the Ethereum applet, the first and the last byte of a signature, s that is not normalised,
// and the status words of malformed commands.
package tron

import (
	"encoding/hex"

	"github.com/btcsuite/btcd/address/v2/base58"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/hd"
)

// The instructions, and the tags of the payloads.
const (
	sign        = 0x81
	publicKey   = 0x82
	showAddress = 0x83

	tagBinding  = 0x00
	tagHash     = 0x01 // in the payload of sign
	tagKeyPath  = 0x01 // in the payload of publicKey
	tagPath     = 0x02
	tagPayment  = 0x07
	tagReceiver = 0x08
)

// maxPayload is the greatest length of a payload: every field has the greatest length that it can state.
const maxPayload = 5 * (2 + 0xFF)

// Applet is the TRON applet. Which version a real one answers is not public.
var Applet = applet.Applet{
	AID: "i_k1_trx", Name: "tron",
	New: func() applet.Instance { return &tron{} },
}

// tron is an instance of the applet.
type tron struct {
	chunks applet.Chunks
}

func (t *tron) Forget() { *t = tron{} }

func (t *tron) Execute(d applet.Device, c apdu.Command) ([]byte, error) {
	switch {
	case c.CLA != 0x80:
		return nil, apdu.ClassNotSupported
	case c.INS < sign || c.INS > showAddress:
		return nil, apdu.InstructionNotSupported
	case !d.HasWallet():
		return nil, apdu.NoWallet
	}
	switch c.INS {
	case sign:
		return t.sign(d, c)
	case publicKey:
		return readKey(d, c)
	}
	return nil, confirmAddress(d, c)
}

// readKey answers the public key and the chain code at a path, with the secure element's signature over both. The binding
// signature is over the text of the path, without its tag and length.
func readKey(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, 0x00, 0x00); err != nil {
		return nil, err
	}
	f := applet.NewFields(c.Data)
	signature, path := f.Next(tagBinding, 1), f.Next(tagKeyPath, 1)
	if err := f.End(); err != nil {
		return nil, err
	}
	if err := d.CheckBinding(signature, path); err != nil {
		return nil, err
	}
	return applet.PublicKey(d, string(path))
}

// sign collects a payload. With its last command it checks the binding signature, asks the user, and answers the wallet's
// signature with that of the secure element over it.
func (t *tron) sign(d applet.Device, c apdu.Command) ([]byte, error) {
	b, err := t.chunks.Add(c, maxPayload)
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
	if err := d.Confirm(r.caption(), r.texts()...); err != nil {
		return nil, err
	}
	answer, err := applet.Sign(d, r.path, r.hash)
	if err != nil {
		return nil, err
	}
	return applet.Attested(d, answer)
}

// request is what a host wants to have signed.
type request struct {
	signature []byte // the binding signature
	signed    []byte // the bytes that it signs
	hash      [32]byte
	path      string
	// transaction is false for a message, which has no texts.
	transaction       bool
	payment, receiver string
}

// parseRequest parses the payload of a request to sign. Every error is [apdu.WrongData].
func parseRequest(b []byte) (r request, err error) {
	f := applet.NewFields(b)
	r.signature = f.Next(tagBinding, 1)
	r.signed = f.Rest()
	hash := f.Next(tagHash, 1)
	r.path = string(f.Next(tagPath, 1))
	if r.transaction = len(f.Rest()) > 0; r.transaction {
		r.payment, r.receiver = string(f.Next(tagPayment, 1)), string(f.Next(tagReceiver, 1))
	}
	if err := f.End(); err != nil {
		return request{}, err
	}
	if _, err := hd.ParsePath(r.path); err != nil || len(hash) != len(r.hash) || !applet.Printable(r.payment) || !applet.Printable(r.receiver) {
		return request{}, apdu.WrongData
	}
	r.hash = [32]byte(hash)
	return r, nil
}

// caption names the question in a trace.
func (r *request) caption() string {
	if r.transaction {
		return "transaction"
	}
	return "message"
}

// texts returns what the user reads before signing: the texts of the host, which the applet cannot compare with the hash. If
// there are none, it returns the hash.
func (r *request) texts() []string {
	if r.payment == "" && r.receiver == "" {
		return []string{"Hash:\n" + hex.EncodeToString(r.hash[:])}
	}
	return []string{"Pay: " + r.payment, "To: " + r.receiver}
}

// confirmAddress shows an address and the name of its coin, as the host sends them, until the user has compared it. The host
// sends no path, so the applet cannot know whether the address is the wallet's.
func confirmAddress(d applet.Device, c apdu.Command) error {
	if err := applet.ExpectData(c, 0x00, 0x00); err != nil {
		return err
	}
	address, name, err := parseAddress(c.Data)
	if err != nil {
		return err
	}
	return d.Confirm("address", name+": "+address)
}

// parseAddress parses an address and a name, each after its length. Every error is [apdu.WrongData].
func parseAddress(b []byte) (address, name string, err error) {
	for _, text := range []*string{&address, &name} {
		if len(b) < 1 || len(b) < 1+int(b[0]) {
			return "", "", apdu.WrongData
		}
		*text, b = string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	}
	account, version, err := base58.CheckDecode(address)
	if err != nil || version != 0x41 || len(account) != 20 || name == "" || !applet.Printable(name) || len(b) > 0 {
		return "", "", apdu.WrongData
	}
	return address, name, nil
}
