// Package bitcoin is the Bitcoin applet (core/PROTOCOL.md section 12), which also serves Dogecoin.
//
// No recording of a real device exists for this applet. The commands are those that public host programs send, and the wallet's
// keys and signatures are those that they received. The rest is the simulator's choice:
//
//   - the texts on the screen, and that a page of outputs asks only when the applet has all pages;
//   - which contradictions it refuses: the fee against the amounts, the outpoints, sequences, scripts and amounts of an input
//     against the lists, the outputs against their hash, the taproot tweak against the key at the path;
//   - how long the state of a transaction lives;
//   - the first and the last byte of a signature, s that is not normalised, and the nonces of Schnorr signatures;
//   - the binding signature that may be empty as in the Ethereum applet, and the status words of malformed commands.
//
// It does not compare an input's script with the key at its path, because public hosts have inputs of other wallets signed.
// Litecoin, Bitcoin Cash and Omni have instructions of their own, which this applet does not have.
package bitcoin

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/btcsuite/btcd/address/v2"

	"imkey-connect/core/apdu"
	"imkey-connect/devicesim/applet"
	"imkey-connect/devicesim/hd"
)

// The instructions.
const (
	list             = 0x31 // a list of the inputs, by P1; P1 00 is a preview of applets before 1.6.00
	signSegWit       = 0x32
	showAddress      = 0x36
	showNamedAddress = 0x37
	signTaproot      = 0x40
	preview          = 0x41 // P1 80: an input of applets before 1.6.00
	signOldInput     = 0x42
	publicKey        = 0x43
	signInput        = 0x45
	legacyInputs     = 0x46
	previewPSBT      = 0x4B
	showOutputs      = 0x4C
	previewDogecoin  = 0x4E
	legacyPSBTInputs = 0x50
	signMessage      = 0x51
)

// The tags of the payloads.
const (
	tagBinding = 0x00
	tagBody    = 0x01
	tagHash    = 0xA6 // in the body of a message
	tagPath    = 0xA7
)

// Version is the version that [Applet] answers. Hosts know 1.6.00, the first with taproot and PSBTs, and 1.6.11, the first that
// signs messages.
const Version = "1.6.11"

// Applet is the Bitcoin applet in its newest version.
var Applet = New(Version)

// New returns the applet in a version, written with two digits for the last part, as "1.5.00". An applet does not have the
// instructions that came later.
func New(version string) applet.Applet {
	return applet.Applet{
		AID: "i_btc", Name: "bitcoin", Version: version, At: at,
		New: func() applet.Instance { return &bitcoin{version: version} },
	}
}

// at returns the applet in a version, if it is written as New expects.
func at(version string) (applet.Applet, bool) {
	var major, minor, patch byte
	if n, err := fmt.Sscanf(version, "%1d.%1d.%2d", &major, &minor, &patch); err != nil || n != 3 || len(version) != len(Version) {
		return applet.Applet{}, false
	}
	return New(version), true
}

// since has the versions in which instructions came.
var since = map[byte]string{
	list: "", signSegWit: "", showAddress: "", showNamedAddress: "", preview: "", signOldInput: "", publicKey: "",
	signTaproot: "1.6.00", signInput: "1.6.00", legacyInputs: "1.6.00", previewPSBT: "1.6.00", showOutputs: "1.6.00",
	previewDogecoin: "1.6.00", legacyPSBTInputs: "1.6.00", signMessage: "1.6.11",
}

// bitcoin is an instance of the applet.
type bitcoin struct {
	version string
	series  applet.Series // a payload under way whose commands have one P1
	chunks  applet.Chunks // one whose first command has P1 00, and the others 80
	own     map[string]bool
	tx      *transaction
}

func (a *bitcoin) Forget() { *a = bitcoin{version: a.version} }

func (a *bitcoin) Execute(d applet.Device, c apdu.Command) ([]byte, error) {
	if c.CLA != 0x80 {
		return nil, apdu.ClassNotSupported
	}
	if first, ok := since[c.INS]; !ok || a.version < first {
		return nil, apdu.InstructionNotSupported
	}
	if !d.HasWallet() {
		return nil, apdu.NoWallet
	}
	switch c.INS {
	case publicKey:
		return a.readKey(d, c)
	case showAddress, showNamedAddress:
		return nil, confirmAddress(d, c)
	case signMessage:
		return a.signMessage(d, c)
	case signSegWit:
		return a.signSegWit(d, c)
	case signTaproot:
		return a.signTaproot(d, c)
	case signInput, signOldInput:
		return a.signInput(d, c)
	case showOutputs:
		return a.showOutputs(d, c)
	}
	return nil, a.prepare(d, c)
}

// readPath returns the path in a command. Public hosts also send it in upper case, and with a slash behind it.
func readPath(b []byte) string {
	path := strings.TrimSuffix(string(b), "/")
	if rest, ok := strings.CutPrefix(path, "M/"); ok {
		path = "m/" + rest
	}
	return path
}

// readKey answers the public key and the chain code at a path, with the secure element's signature over both. P1 01 says that
// the host verifies the signature; the answer is the same. The applet remembers the key's scripts, so that it knows change.
func (a *bitcoin) readKey(d applet.Device, c apdu.Command) ([]byte, error) {
	if err := applet.ExpectData(c, c.P1&0x01, 0x00); err != nil {
		return nil, err
	}
	answer, err := applet.PublicKey(d, readPath(c.Data))
	if err != nil {
		return nil, err
	}
	scripts, err := scriptsOf(answer[:65])
	if err != nil {
		return nil, err
	}
	if a.own == nil {
		a.own = map[string]bool{}
	}
	for _, script := range scripts {
		a.own[string(script)] = true
	}
	return answer, nil
}

// confirmAddress shows an address, as the host sends it, until the user has compared it. The host sends no path, so the applet
// cannot know whether the address is the wallet's.
func confirmAddress(d applet.Device, c apdu.Command) error {
	if err := applet.ExpectData(c, 0x00, 0x00); err != nil {
		return err
	}
	text, name := string(c.Data), "Addr"
	if c.INS == showNamedAddress {
		var err error
		if text, name, err = parseNamedAddress(c.Data); err != nil {
			return err
		}
	}
	if !isAddress(text) {
		return apdu.WrongData
	}
	return d.Confirm("address", name+": "+text)
}

// parseNamedAddress parses an address and a name, each after its length. Every error is [apdu.WrongData].
func parseNamedAddress(b []byte) (text, name string, err error) {
	for _, field := range []*string{&text, &name} {
		if len(b) < 1 || len(b) < 1+int(b[0]) {
			return "", "", apdu.WrongData
		}
		*field, b = string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	}
	if len(b) > 0 || name == "" || !applet.Printable(name) {
		return "", "", apdu.WrongData
	}
	return text, name, nil
}

// isAddress reports whether a text is an address of one of the networks.
func isAddress(text string) bool {
	for _, n := range networks {
		decoded, err := address.DecodeAddress(text, n.params)
		if _, key := decoded.(*address.AddressPubKey); err == nil && !key && decoded.IsForNet(n.params) {
			return true
		}
	}
	return false
}

// signMessage collects the hash of a message and a path. With its last command it checks the binding signature, asks the user, and
// answers the signature.
func (a *bitcoin) signMessage(d applet.Device, c apdu.Command) ([]byte, error) {
	if c.P1 != 0x00 {
		return nil, apdu.WrongParameters
	}
	b, err := a.series.Add(c, maxSigned)
	if err != nil || b == nil {
		return nil, err
	}
	s, err := parseSigned(b)
	if err != nil {
		return nil, err
	}
	hash, path, err := parseMessage(s.body)
	if err != nil {
		return nil, err
	}
	if err := d.CheckBinding(s.signature, s.signed); err != nil {
		return nil, err
	}
	if err := d.Confirm("message", "Hash:\n"+hex.EncodeToString(hash[:])); err != nil {
		return nil, err
	}
	return applet.Sign(d, path, hash)
}

// parseMessage parses the body of a message: its hash and a path. Every error is [apdu.WrongData].
func parseMessage(body []byte) (hash [32]byte, path string, err error) {
	f := applet.NewFields(body)
	digest := f.Next(tagHash, 1)
	path = readPath(f.Next(tagPath, 1))
	if err := f.End(); err != nil {
		return hash, "", err
	}
	if _, err := hd.ParsePath(path); err != nil || len(digest) != len(hash) {
		return hash, "", apdu.WrongData
	}
	return [32]byte(digest), path, nil
}

// maxSigned is the greatest length of a payload with a binding signature.
const maxSigned = 2 * (2 + 0xFF)

// signed is a payload with a binding signature.
type signed struct {
	signature []byte
	signed    []byte // the bytes that it signs: the tag, the length and the body
	body      []byte
}

// parseSigned parses a payload with a binding signature. Every error is [apdu.WrongData].
func parseSigned(b []byte) (s signed, err error) {
	f := applet.NewFields(b)
	s.signature = f.Next(tagBinding, 1)
	s.signed = f.Rest()
	s.body = f.Next(tagBody, 1)
	return s, f.End()
}
