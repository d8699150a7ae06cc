// Package tron is the TRON applet of an imKey: accounts, transactions, messages and typed data. core/PROTOCOL.md section 10 has the facts.
//
// The applet gets a hash and two texts for its screen. It cannot know whether they belong together, so this package computes the texts from
// the transaction ([ParseTransaction]) and takes none from its caller. What a text does not say makes a signature blind.
package tron

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

// Applet is the TRON applet.
const Applet = device.Applet("k1_trx")

// The applet's instructions.
const (
	insSign        = 0x81
	insPublicKey   = 0x82
	insShowAddress = 0x83
)

// The tags of what is sent. Their lengths have one byte.
const (
	tagData     = 0x01 // the hash; in the command for the public key, the path
	tagPath     = 0x02
	tagPayment  = 0x07
	tagReceiver = 0x08
)

// coinName is the name that the command to show an address has.
const coinName = "TRX"

// coinType is TRON's number in SLIP-44.
const coinType = 195

// BIP44 returns the path of account n: m/44'/195'/0'/0/n.
func BIP44(n uint32) hdpath.Path { return hdpath.BIP44(coinType, 0, 0, n) }

// checkPath returns an error for a path that is not one of TRON.
func checkPath(p hdpath.Path) error { return p.CheckCoin(coinType, "TRON") }

// TRON is the TRON applet of an open device. Its methods may be called from any goroutine. Operations run one after another, each with
// the device to itself. When a context ends, the device is idle before the method returns. The errors are those of [ethereum.Ethereum].
type TRON struct{ applet *signing.Applet }

// New returns the TRON applet of d. It sends nothing.
func New(d *device.Device, b signing.Binder) *TRON { return &TRON{signing.New(d, Applet, b)} }

// Account is an account of the device's wallet.
type Account struct {
	Path      hdpath.Path
	Address   Address
	PublicKey secp256k1.PublicKey
}

// Account returns the account at a path. If verify is set, the device shows the address until the user confirms it, or rejects it with
// the error user-rejected.
func (t *TRON) Account(ctx context.Context, p hdpath.Path, verify bool) (Account, error) {
	if err := checkPath(p); err != nil {
		return Account{}, err
	}
	var show func(*signing.Session, secp256k1.PublicKey) error
	if verify {
		show = func(s *signing.Session, key secp256k1.PublicKey) error { return showAddress(ctx, s, AddressOf(key)) }
	}
	key, err := t.applet.Key(ctx, p, extendedKey, show)
	if err != nil {
		return Account{}, err
	}
	return Account{p, AddressOf(key.PublicKey), key.PublicKey}, nil
}

// ExtendedKey returns the extended public key at a path. It reads the key above as well, for the fingerprint.
func (t *TRON) ExtendedKey(ctx context.Context, p hdpath.Path) (hdkey.ExtendedKey, error) {
	if err := checkPath(p); err != nil {
		return hdkey.ExtendedKey{}, err
	}
	return t.applet.ExtendedKey(ctx, p, extendedKey)
}

// extendedKey asks for the key at a path. The binding signature is over the text of the path, without its tag and length.
func extendedKey(ctx context.Context, s *signing.Session, p hdpath.Path) (key hdkey.ExtendedKey, err error) {
	text := []byte(p.String())
	payload, err := s.BindingField(text, []byte{0x00})
	if err != nil {
		return key, err
	}
	return s.ExtendedKey(ctx, apdu.New(0x80, insPublicKey, 0x00, 0x00, field(payload, tagData, text)), p)
}

// showAddress shows the address on the screen and waits for the user. The applet gets the text, and no path.
func showAddress(ctx context.Context, s *signing.Session, a Address) error {
	text := a.String()
	data := append([]byte{byte(len(text))}, text...)
	data = append(append(data, byte(len(coinName))), coinName...)
	resp, err := s.Ask(ctx, apdu.New(0x80, insShowAddress, 0x00, 0x00, data), device.UserTimeout)
	if err != nil {
		return err
	}
	return resp.SW.Err("show the address")
}

// Signer says which account signs.
type Signer struct {
	Path hdpath.Path
	// From, if not nil, is the address that the caller expects at the path. If the device has another one there, the error is
	// invalid-argument at "from" with the reason [ethereum.ForeignFrom]. For a transaction, From is its owner if it is nil.
	From *Address
	// Progress, if not nil, gets the number of payload bytes that the device has received. The device waits for the user on the last
	// command. Progress must return at once.
	Progress func(sent, total int)
}

// Signed is a signature.
type Signed struct {
	// Signature is r ‖ s ‖ v with v 27 or 28, and s in the lower half of the order.
	Signature [65]byte
	// Hash is what was signed. For a transaction it is its id.
	Hash [32]byte
	From Address
	// Unbound reports that the request had no binding signature; see [signing.Unbound].
	Unbound bool
}

// SignTransaction has the device show the texts of the transaction's summary and sign it. A transaction whose owner is not the account
// at the path is refused with invalid-argument at "rawData" and the reason [ethereum.ForeignFrom], before anything is signed.
func (t *TRON) SignTransaction(ctx context.Context, by Signer, tx *Transaction) (*Signed, error) {
	if tx == nil {
		return nil, errcode.Invalid(place, "missing")
	}
	if by.From != nil && *by.From != tx.Owner {
		return nil, foreign("from", "not the owner in the transaction")
	}
	by.From = &tx.Owner
	screen := field(nil, tagPayment, []byte(tx.summary.Payment))
	return t.sign(ctx, by, place, tx.Hash(), field(screen, tagReceiver, []byte(tx.summary.Receiver)))
}

// SignMessage signs a message. The device shows its hash.
func (t *TRON) SignMessage(ctx context.Context, by Signer, message []byte, f Format) (*Signed, error) {
	hash, err := HashMessage(message, f)
	if err != nil {
		return nil, err
	}
	return t.sign(ctx, by, "from", hash, nil)
}

// SignTypedData signs typed data of TIP-712. The device shows its hash.
func (t *TRON) SignTypedData(ctx context.Context, by Signer, d *ethereum.TypedData) (*Signed, error) {
	if d == nil {
		return nil, errcode.Invalid("typed data", "missing")
	}
	return t.sign(ctx, by, "from", d.Digest(), nil)
}

func foreign(at, reason string) error {
	err := errcode.Invalid(at, reason)
	err.Data["reason"] = ethereum.ForeignFrom
	return err
}

// sign has the device sign a hash. screen is the encoded texts for the screen; without them the device shows the hash. at is the
// argument that says which address signs.
func (t *TRON) sign(ctx context.Context, by Signer, at string, hash [32]byte, screen []byte) (*Signed, error) {
	if err := checkPath(by.Path); err != nil {
		return nil, err
	}
	body := field(nil, tagData, hash[:])
	body = field(body, tagPath, []byte(by.Path.String()))
	body = append(body, screen...)
	got, err := t.applet.Sign(ctx, signing.Request{
		Path: by.Path,
		Key:  extendedKey,
		Check: func(key secp256k1.PublicKey) error {
			if by.From == nil || *by.From == AddressOf(key) {
				return nil
			}
			return foreign(at, "not of the account that the device has at this path")
		},
		Sign: func(ctx context.Context, s *signing.Session, key secp256k1.PublicKey) (none signing.Signature, err error) {
			authorisation, err := s.BindingField(body, []byte{0x00})
			if err != nil {
				return none, err
			}
			defer s.Drop(ctx)
			resp, err := s.Send(ctx, signing.Payload{
				Op: "sign", Command: signing.Chunks(insSign), Data: append(authorisation, body...), Confirm: true, Progress: by.Progress,
			})
			if err != nil {
				return none, err
			}
			return signature(s, key, hash, resp.Data)
		},
	})
	if err != nil {
		return nil, err
	}
	signed := &Signed{Hash: hash, From: AddressOf(got.Key), Unbound: got.Unbound}
	copy(signed.Signature[:32], got.R[:])
	copy(signed.Signature[32:], got.S[:])
	signed.Signature[64] = 27 + got.YParity
	return signed, nil
}

// signature reads the answer to the last chunk: a byte ‖ r ‖ s ‖ a byte ‖ DER signature of the secure element over these 66 bytes. What
// the two bytes mean is not publicly known. So the recovery id is the one by which the signature verifies.
func signature(s *signing.Session, key secp256k1.PublicKey, hash [32]byte, answer []byte) (signing.Signature, error) {
	b, err := s.Attested(answer, 66)
	if err != nil {
		return signing.Signature{}, err
	}
	return signing.FindSignature(key, hash, b[1:65])
}

// field appends a value with its tag and its length, which has one byte. No value of this package is longer than 255 bytes.
func field(dst []byte, tag byte, value []byte) []byte {
	return append(append(dst, tag, byte(len(value))), value...)
}
