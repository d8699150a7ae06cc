// Package cosmos is the Cosmos applet of an imKey: accounts, amino documents, SignDocs and messages of ADR-36. core/PROTOCOL.md section 11
// has the facts.
//
// The applet gets a hash and three texts for its screen. It cannot know whether they belong together, so this package computes the texts
// from the document ([ParseAmino], [ParseDirect]) and takes none from its caller. What a text does not say makes a signature blind.
package cosmos

import (
	"context"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
)

// Applet is the Cosmos applet.
const Applet = device.Applet("cosmos")

// The applet's instructions.
const (
	insPrepare     = 0x71
	insSign        = 0x72
	insPublicKey   = 0x73
	insShowAddress = 0x76
)

// The tags of what is sent. Their lengths have one byte.
const (
	tagHash     = 0x01
	tagPayment  = 0x07
	tagReceiver = 0x08
	tagFee      = 0x09
)

// coinType is the number of Cosmos in SLIP-44.
const coinType = 118

// BIP44 returns the path of account n: m/44'/118'/0'/0/n.
func BIP44(n uint32) hdpath.Path { return hdpath.BIP44(coinType, 0, 0, n) }

// checkPath returns an error for a path that is not one of Cosmos.
func checkPath(p hdpath.Path) error { return p.CheckCoin(coinType, "Cosmos") }

// Cosmos is the Cosmos applet of an open device. Its methods may be called from any goroutine. Operations run one after another, each
// with the device to itself. When a context ends, the device is idle before the method returns. The errors are those of
// [ethereum.Ethereum].
type Cosmos struct{ applet *signing.Applet }

// New returns the Cosmos applet of d. It sends nothing.
func New(d *device.Device, b signing.Binder) *Cosmos { return &Cosmos{signing.New(d, Applet, b)} }

// Key is an account of the device's wallet, with its key.
type Key struct {
	Path      hdpath.Path
	Account   Account
	PublicKey secp256k1.PublicKey
}

// Account returns the account at a path. If verify is set, the device shows the address of the Cosmos Hub until the user confirms it, or
// rejects it with the error user-rejected.
func (c *Cosmos) Account(ctx context.Context, p hdpath.Path, verify bool) (Key, error) {
	if err := checkPath(p); err != nil {
		return Key{}, err
	}
	var show func(*signing.Session, secp256k1.PublicKey) error
	if verify {
		show = func(s *signing.Session, key secp256k1.PublicKey) error {
			text := AccountOf(key).Address(DefaultPrefix)
			resp, err := s.Ask(ctx, apdu.New(0x80, insShowAddress, 0x00, 0x00, []byte(text)), device.UserTimeout)
			if err != nil {
				return err
			}
			return resp.SW.Err("show the address")
		}
	}
	key, err := c.applet.Key(ctx, p, extendedKey, show)
	if err != nil {
		return Key{}, err
	}
	return Key{p, AccountOf(key.PublicKey), key.PublicKey}, nil
}

// ExtendedKey returns the extended public key at a path. It reads the key above as well, for the fingerprint.
func (c *Cosmos) ExtendedKey(ctx context.Context, p hdpath.Path) (hdkey.ExtendedKey, error) {
	if err := checkPath(p); err != nil {
		return hdkey.ExtendedKey{}, err
	}
	return c.applet.ExtendedKey(ctx, p, extendedKey)
}

// extendedKey asks for the key at a path. The command has no binding signature.
func extendedKey(ctx context.Context, s *signing.Session, p hdpath.Path) (hdkey.ExtendedKey, error) {
	return s.ExtendedKey(ctx, apdu.New(0x80, insPublicKey, 0x01, 0x00, []byte(p.String())), p)
}

// Signer says which account signs.
type Signer struct {
	Path hdpath.Path
	// From, if not nil, is the account that the caller expects at the path. If the device has another one there, the error is
	// invalid-argument at "from" with the reason [ethereum.ForeignFrom].
	From *Account
	// Progress, if not nil, gets the number of payload bytes that the device has received. The device waits for the user on the last
	// command. Progress must return at once.
	Progress func(sent, total int)
}

// Signed is a signature.
type Signed struct {
	// Signature is r ‖ s, with s in the lower half of the order.
	Signature [64]byte
	// Hash is what was signed.
	Hash [32]byte
	// PublicKey is the key of the account.
	PublicKey secp256k1.PublicKey
	// Unbound reports that the request had no binding signature; see [signing.Unbound].
	Unbound bool
}

// Sign has the device show the texts of the document's summary and sign it. A document in which another account acts than that at the
// path is refused with invalid-argument at "document" and the reason [ethereum.ForeignFrom], before anything is signed.
func (c *Cosmos) Sign(ctx context.Context, by Signer, d *Document) (*Signed, error) {
	if d == nil {
		return nil, errcode.Invalid(place, "missing")
	}
	if err := checkPath(by.Path); err != nil {
		return nil, err
	}
	hash := d.Hash()
	body := field(nil, tagHash, hash[:])
	body = field(body, tagPayment, []byte(d.summary.Payment))
	body = field(body, tagReceiver, []byte(d.receiver()))
	body = field(body, tagFee, []byte(d.summary.Fee))
	got, err := c.applet.Sign(ctx, signing.Request{
		Path: by.Path,
		Key:  extendedKey,
		Check: func(key secp256k1.PublicKey) error {
			if by.From != nil && *by.From != AccountOf(key) {
				return foreign("from")
			}
			return d.Check(AccountOf(key))
		},
		Sign: func(ctx context.Context, s *signing.Session, key secp256k1.PublicKey) (none signing.Signature, err error) {
			authorisation, err := s.BindingField(body, []byte{0x00})
			if err != nil {
				return none, err
			}
			defer s.Drop(ctx)
			_, err = s.Send(ctx, signing.Payload{
				Op: "prepare", Command: signing.Chunks(insPrepare), Data: append(authorisation, body...), Confirm: true, Progress: by.Progress,
			})
			if err != nil {
				return none, err
			}
			resp, err := s.Transmit(ctx, apdu.New(0x80, insSign, 0x00, 0x00, []byte(by.Path.String())), device.UserTimeout)
			if err != nil {
				return none, err
			}
			if err := s.Check(resp.SW, "sign"); err != nil {
				return none, err
			}
			return signature(key, hash, resp.Data)
		},
	})
	if err != nil {
		return nil, err
	}
	signed := &Signed{Hash: hash, PublicKey: got.Key, Unbound: got.Unbound}
	copy(signed.Signature[:32], got.R[:])
	copy(signed.Signature[32:], got.S[:])
	return signed, nil
}

// receiver is the text for the screen. The device shows the hash of a message of ADR-36, and no texts.
func (d *Document) receiver() string {
	if d.arbitrary {
		return ""
	}
	return d.summary.Receiver
}

func foreign(at string) error {
	err := errcode.Invalid(at, "not of the account that the device has at this path")
	err.Data["reason"] = ethereum.ForeignFrom
	return err
}

// Check returns an error with code invalid-argument and the reason [ethereum.ForeignFrom] if another account acts in the document, as far as
// this package reads it, or a SignDoc names only the keys of others.
func (d *Document) Check(account Account) error {
	for _, m := range d.messages {
		if m.kind == Other {
			continue
		}
		if _, a, ok := ParseAddress(m.signer); !ok || a != account {
			return foreign(place)
		}
	}
	for _, k := range d.keys {
		// The key is the last field of its Any.
		if n := len(k) - 33; n >= 0 && hdkey.Hash160(k[n:]) == account {
			return nil
		}
	}
	if len(d.keys) > 0 {
		return foreign(place)
	}
	return nil
}

// signature reads a byte ‖ r ‖ s ‖ a byte. What the two bytes mean is not publicly known. So the recovery id is the one by which the
// signature verifies.
func signature(key secp256k1.PublicKey, hash [32]byte, answer []byte) (signing.Signature, error) {
	if len(answer) != 66 {
		return signing.Signature{}, errcode.New(errcode.Protocol, "a signature of Cosmos does not have 66 bytes")
	}
	return signing.FindSignature(key, hash, answer[1:65])
}

// field appends a value with its tag and its length, which has one byte. No value of this package is longer than 255 bytes.
func field(dst []byte, tag byte, value []byte) []byte {
	return append(append(dst, tag, byte(len(value))), value...)
}
