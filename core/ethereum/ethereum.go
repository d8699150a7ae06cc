package ethereum

import (
	"context"

	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/keccak"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
)

// ForeignFrom is the reason in the Data of the error for a [Signer] whose From is not the address at its Path.
const ForeignFrom = "foreign-from"

// Ethereum is the Ethereum applet of an open device. Its methods may be called from any goroutine. Operations run one after
// another, each with the device to itself. When a context ends, the device is idle before the method returns.
//
// Every method that uses the device can fail with the errors of the device (locked, wallet-missing, in-menu, applet-missing,
// user-rejected), of the binding (see [signing.Binder]) and of the exchange. An answer that is malformed or signed by the wrong
// key is an error with code protocol.
type Ethereum struct{ applet *signing.Applet }

// New returns the Ethereum applet of d. It sends nothing.
func New(d *device.Device, b signing.Binder) *Ethereum { return &Ethereum{signing.New(d, Applet, b)} }

// Account is an account of the device's wallet.
type Account struct {
	Path      hdpath.Path
	Address   Address
	PublicKey secp256k1.PublicKey
}

// Account returns the account at a path. If verify is set, the device shows the address until the user confirms it, or rejects
// it with the error user-rejected.
func (e *Ethereum) Account(ctx context.Context, p hdpath.Path, verify bool) (Account, error) {
	if err := p.Check(); err != nil {
		return Account{}, err
	}
	var show func(*signing.Session, secp256k1.PublicKey) error
	if verify {
		show = func(s *signing.Session, key secp256k1.PublicKey) error { return showAddress(ctx, s, AddressOf(key)) }
	}
	key, err := e.applet.Key(ctx, p, extendedKey, show)
	if err != nil {
		return Account{}, err
	}
	return Account{p, AddressOf(key.PublicKey), key.PublicKey}, nil
}

// MaxAccounts is the largest number of accounts that one call of [Ethereum.Accounts] returns.
const MaxAccounts = 1000

// Accounts returns count accounts below the path parent, which is a path of [BIP44] or [Legacy] without its last component. The
// first account has index first. One answer of the device is enough, since the indices are not hardened.
func (e *Ethereum) Accounts(ctx context.Context, parent hdpath.Path, first uint32, count int) ([]Account, error) {
	if err := parent.Check(); err != nil {
		return nil, err
	}
	if len(parent) == hdpath.MaxDepth {
		return nil, errcode.Invalid("path", "a path has at most 10 components")
	}
	if count < 1 || count > MaxAccounts || uint64(first)+uint64(count) > hdpath.Hardened {
		return nil, errcode.Invalid("count", "between 1 and 1000 accounts, their indices below 2147483648")
	}
	key, err := e.applet.Key(ctx, parent, extendedKey, nil)
	if err != nil {
		return nil, err
	}
	accounts := make([]Account, count)
	for i := range accounts {
		index := first + uint32(i)
		child, err := key.Child(index)
		if err != nil {
			return nil, err
		}
		accounts[i] = Account{parent.Child(index), AddressOf(child.PublicKey), child.PublicKey}
	}
	return accounts, nil
}

// ExtendedKey returns the extended public key at a path. It reads the key above as well, for the fingerprint.
func (e *Ethereum) ExtendedKey(ctx context.Context, p hdpath.Path) (hdkey.ExtendedKey, error) {
	if err := p.Check(); err != nil {
		return hdkey.ExtendedKey{}, err
	}
	var key hdkey.ExtendedKey
	err := e.applet.Do(ctx, func(s *signing.Session) (err error) {
		var parent hdkey.ExtendedKey
		if len(p) > 1 {
			if parent, err = extendedKey(ctx, s, p[:len(p)-1]); err != nil {
				return err
			}
		}
		if key, err = extendedKey(ctx, s, p); err != nil {
			return err
		}
		if len(p) > 1 {
			key.Parent = parent.Fingerprint()
		}
		return nil
	})
	return key, err
}

// Signer says which account signs.
type Signer struct {
	Path hdpath.Path
	// From, if not nil, is the address that the caller expects at the path. If the device has another one there, the error
	// is invalid-argument at "from" with the reason [ForeignFrom].
	From *Address
	// Progress, if not nil, gets the number of payload bytes that the device has received. The device waits for the user on
	// the last command. Progress must return at once.
	Progress func(sent, total int)
}

// SignedTransaction is a transaction ready for eth_sendRawTransaction.
type SignedTransaction struct {
	Raw       []byte
	Hash      [32]byte
	From      Address
	Signature Signature
	Summary   Summary
	// Unbound reports that the request had no binding signature; see [signing.Unbound].
	Unbound bool
}

// SignTransaction has the device show and sign a transaction. announce, if not nil, gets the summary before anything is
// sent, so that a page can show it and warn of a blind signature. It must return at once.
func (e *Ethereum) SignTransaction(ctx context.Context, by Signer, t *Transaction, n Native, announce func(Summary)) (*SignedTransaction, error) {
	if err := by.Path.Check(); err != nil {
		return nil, err
	}
	if t == nil {
		return nil, errcode.Invalid("transaction", "missing")
	}
	r, summary, err := t.request(n)
	if err != nil {
		return nil, err
	}
	if announce != nil {
		announce(summary)
	}
	got, err := e.sign(ctx, by, r)
	if err != nil {
		return nil, err
	}
	raw, err := t.Signed(got.signature)
	if err != nil {
		return nil, errcode.Wrap(errcode.Internal, "assemble the transaction", err)
	}
	return &SignedTransaction{raw, keccak.Sum256(raw), got.from, got.signature, summary, got.unbound}, nil
}

// request returns what the device gets to sign a transaction.
func (t *Transaction) request(n Native) (request, Summary, error) {
	if err := t.Validate(); err != nil {
		return request{}, Summary{}, err
	}
	summary, err := t.Summarize(n)
	if err != nil {
		return request{}, Summary{}, err
	}
	unsigned, err := t.Unsigned()
	if err != nil {
		return request{}, Summary{}, err
	}
	r := request{data: unsigned, prepare: insPrepareMessage, sign: insSignMessage, empty: emptyForMessage}
	if t.HasScreen() {
		r.prepare, r.sign, r.empty = insPrepareTransaction, insSignTransaction, emptyForTransaction
		r.screen = textField(r.screen, tagPayment, summary.Payment)
		r.screen = textField(r.screen, tagReceiver, summary.Receiver)
		r.screen = textField(r.screen, tagFee, summary.Fee)
	}
	return r, summary, r.check()
}

// HasScreen reports whether the device gets strings for its screen with a transaction of this type. Of the others it shows the digest.
func (t *Transaction) HasScreen() bool { return t.Type == TypeLegacy || t.Type == TypeDynamicFee }

// Describe returns the summary of a transaction and the digest that the device signs. It refuses what [Ethereum.SignTransaction] refuses,
// and uses no device.
func (t *Transaction) Describe(n Native) (Summary, [32]byte, error) {
	r, summary, err := t.request(n)
	if err != nil {
		return Summary{}, [32]byte{}, err
	}
	return summary, keccak.Sum256(r.data), nil
}

// SignedMessage is a signature over a message or typed data.
type SignedMessage struct {
	// Signature is r ‖ s ‖ v with v 27 or 28.
	Signature [65]byte
	Digest    [32]byte
	From      Address
	// Blind reports that the device's screen showed a digest instead of the content; see [BlindMessage].
	Blind bool
	// Unbound reports that the request had no binding signature; see [signing.Unbound].
	Unbound bool
}

// SignMessage signs a message as personal_sign and eth_sign do, with the prefix of EIP-191. Prefix and message have at most
// 65535 bytes.
func (e *Ethereum) SignMessage(ctx context.Context, by Signer, message []byte) (*SignedMessage, error) {
	return e.signMessage(ctx, by, messageData(message), BlindMessage(message))
}

// DescribeMessage returns the digest that the device signs for a message. It refuses what [Ethereum.SignMessage] refuses, and uses no device.
func DescribeMessage(message []byte) ([32]byte, error) {
	r := request{data: messageData(message)}
	return keccak.Sum256(r.data), r.check()
}

// SignTypedData signs typed data as eth_signTypedData_v3 and _v4 do. The device shows only its hashes.
func (e *Ethereum) SignTypedData(ctx context.Context, by Signer, d *TypedData) (*SignedMessage, error) {
	if d == nil {
		return nil, errcode.Invalid("typed data", "missing")
	}
	return e.signMessage(ctx, by, d.data(), true)
}

func (e *Ethereum) signMessage(ctx context.Context, by Signer, data []byte, blind bool) (*SignedMessage, error) {
	if err := by.Path.Check(); err != nil {
		return nil, err
	}
	r := request{data: data, prepare: insPrepareMessage, sign: insSignMessage, empty: emptyForMessage}
	if err := r.check(); err != nil {
		return nil, err
	}
	got, err := e.sign(ctx, by, r)
	if err != nil {
		return nil, err
	}
	return &SignedMessage{got.signature.Bytes(), keccak.Sum256(data), got.from, blind, got.unbound}, nil
}

// What recorded hosts without a binding write after the tag of the binding signature.
var (
	emptyForTransaction = []byte{0x01, 0x00}
	emptyForMessage     = []byte{0x00}
)

// request is one request to sign.
type request struct {
	data          []byte // the device hashes and signs it
	screen        []byte // the encoded strings for the screen
	prepare, sign byte   // the instructions
	empty         []byte // the binding signature of a request without a binding
}

func (r *request) check() error {
	if len(r.data) > maxData {
		return errcode.Invalid("data", sizeText(len(r.data))+" are more than the device can take, which is "+sizeText(maxData))
	}
	return nil
}

type signed struct {
	signature Signature
	from      Address
	unbound   bool
}

func (e *Ethereum) sign(ctx context.Context, by Signer, r request) (signed, error) {
	got, err := e.applet.Sign(ctx, signing.Request{
		Path:  by.Path,
		Key:   extendedKey,
		Check: by.check,
		Sign: func(ctx context.Context, s *signing.Session, key secp256k1.PublicKey) (none signing.Signature, err error) {
			body := append(dataField(r.data), r.screen...)
			authorisation, err := s.BindingField(body, r.empty)
			if err != nil {
				return none, err
			}
			defer s.Drop(ctx)
			_, err = s.Send(ctx, signing.Payload{
				Op: "prepare", Command: signing.Chunks(r.prepare), Data: append(authorisation, body...),
				Confirm: true, Progress: by.Progress,
			})
			if err != nil {
				return none, err
			}
			return signPrepared(ctx, s, r.sign, by.Path, key, keccak.Sum256(r.data))
		},
	})
	if err != nil {
		return signed{}, err
	}
	return signed{Signature(got.Signature), AddressOf(got.Key), got.Unbound}, nil
}
