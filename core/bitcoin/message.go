package bitcoin

import (
	"context"

	"imkey-connect/core/base64"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
)

// Scheme is a form of signed messages.
type Scheme byte

// The schemes.
const (
	// BIP137 is an ECDSA signature whose first byte says the recovery id and the type of the address. Not for P2TR.
	BIP137 Scheme = 1 + iota
	// Standard is that of Bitcoin Core, whose first byte says P2PKH for every address. Not for P2TR.
	Standard
	// BIP322 is the witness of a transaction that spends nothing ("simple"). For P2WPKH and P2TR.
	BIP322
	// BIP322Full is the whole of that transaction. For P2WPKH and P2TR.
	BIP322Full
)

// MaxMessage is the largest number of bytes of a message. The device gets only a hash; this bounds the work.
const MaxMessage = 1<<20 - 1

// MessageSigner says which address signs a message.
type MessageSigner struct {
	Path hdpath.Path
	// Type and Network are those of the address, or 0 for those of the path.
	Type    Type
	Network Network
	// Scheme is BIP322 for P2TR and BIP137 for the others if it is 0.
	Scheme Scheme
	// From, if not empty, is the address that the caller expects. Another one is refused with invalid-argument at "from" and the reason
	// foreign-from.
	From     string
	Progress func(sent, total int)
}

// SignedMessage is a signed message.
type SignedMessage struct {
	// Signature is in base 64, as verifiers take it.
	Signature string
	Address   string
	// Hash is what the device shows: the hash of the message, or for BIP-322 the id of the transaction that is spent, as [TxIDText] shows it.
	Hash    [32]byte
	Unbound bool
}

// SignMessage signs a message. The device shows a hash, from which the user cannot tell the message.
func (b *Bitcoin) SignMessage(ctx context.Context, by MessageSigner, message []byte) (*SignedMessage, error) {
	t, network, err := TypeOfPath(by.Path)
	if err != nil {
		return nil, err
	}
	if by.Type == 0 {
		by.Type = t
	}
	if by.Network == 0 {
		by.Network = network
	}
	switch {
	case by.Network == Mainnet && network != Mainnet:
		return nil, refuse("path", OtherNetwork, "a path of testnet for an address of mainnet")
	case len(message) == 0:
		return nil, errcode.Invalid("message", "empty")
	case len(message) > MaxMessage:
		return nil, errcode.Invalid("message", "more than 1048575 bytes")
	case by.Scheme == 0 && by.Type == P2TR:
		by.Scheme = BIP322
	case by.Scheme == 0:
		by.Scheme = BIP137
	}
	if by.Scheme >= BIP322 {
		if by.Type != P2WPKH && by.Type != P2TR {
			return nil, errcode.Invalid("scheme", "BIP-322 is for p2wpkh and p2tr")
		}
		return b.sign322(ctx, by, message)
	}
	if by.Type == P2TR {
		return nil, errcode.Invalid("scheme", "an address of p2tr signs messages by BIP-322 only")
	}
	return b.sign137(ctx, by, message)
}

// check returns an error for a key whose address is not the expected one.
func (by *MessageSigner) check(key secp256k1.PublicKey) error {
	if by.From == "" || by.From == by.Network.Address(by.Type, key) {
		return nil
	}
	return refuse("from", foreignFrom, "not the address that the device has at this path")
}

// HashMessage returns the hash that is signed for a message by [BIP137] and [Standard].
func HashMessage(message []byte) [32]byte {
	return sha256d(append([]byte("\x18Bitcoin Signed Message:\n"), varBytes(nil, message)...))
}

func (b *Bitcoin) sign137(ctx context.Context, by MessageSigner, message []byte) (*SignedMessage, error) {
	hash, path := HashMessage(message), []byte(by.Path.String())
	body := append([]byte{tagHash, byte(len(hash))}, hash[:]...)
	body = append(append(body, tagPath, byte(len(path))), path...)
	got, err := b.applet.Sign(ctx, signing.Request{
		Path: by.Path, Key: extendedKey, Check: by.check,
		Sign: func(ctx context.Context, s *signing.Session, key secp256k1.PublicKey) (none signing.Signature, err error) {
			if err := checkVersion(ctx, s, firstMessage); err != nil {
				return none, err
			}
			data, err := signed(s, body)
			if err != nil {
				return none, err
			}
			defer s.Drop(ctx)
			resp, err := s.Send(ctx, signing.Payload{
				Op: "sign", Command: series(insSignMessage, 0x00), Data: data, Confirm: true, Progress: by.Progress,
			})
			if err != nil {
				return none, err
			}
			if len(resp.Data) != 66 {
				return none, errcode.New(errcode.Protocol, "a signature does not have 66 bytes")
			}
			return signing.FindSignature(key, hash, resp.Data[1:65])
		},
	})
	if err != nil {
		return nil, err
	}
	header := 31 + got.YParity
	if by.Scheme == BIP137 {
		header += 4 * byte(by.Type-P2PKH) // 35 for P2SH-P2WPKH, 39 for P2WPKH
	}
	text := append(append([]byte{header}, got.R[:]...), got.S[:]...)
	return &SignedMessage{base64.Encode(text), by.Network.Address(by.Type, got.Key), hash, got.Unbound}, nil
}

// toSpend is the transaction of BIP-322 that has the message. It cannot be mined.
func toSpend(script, message []byte) *Transaction {
	hash := secp256k1.TaggedHash("BIP0322-signed-message", message)
	return &Transaction{
		Inputs:  []Input{{OutPoint: OutPoint{Index: 0xFFFFFFFF}, Script: push([]byte{op0}, hash[:])}},
		Outputs: []Output{{Script: script}},
	}
}

// toSign is the transaction of BIP-322 that is signed: it spends the other one.
func toSign(spends [32]byte) *Transaction {
	return &Transaction{
		Inputs:  []Input{{OutPoint: OutPoint{TxID: spends}}},
		Outputs: []Output{{Script: []byte{opReturn}}},
	}
}

func (b *Bitcoin) sign322(ctx context.Context, by MessageSigner, message []byte) (*SignedMessage, error) {
	var done *SignedMessage
	err := b.applet.Do(ctx, func(s *signing.Session) error {
		if err := checkVersion(ctx, s, firstPSBT); err != nil {
			return err
		}
		got, err := extendedKey(ctx, s, by.Path)
		if err != nil {
			return err
		}
		key := got.PublicKey
		if err := by.check(key); err != nil {
			return err
		}
		script := by.Type.Script(key)
		spent := toSpend(script, message)
		id := spent.TxID()
		pl := &plan{
			tx: toSign(id), network: by.Network, message: true,
			spends: []spend{{Output: spent.Outputs[0], typ: by.Type, path: by.Path, key: key}},
		}
		signatures, err := pl.sign(ctx, s, by.Progress)
		if err != nil {
			return err
		}
		in := &pl.tx.Inputs[0]
		in.Witness = [][]byte{signatures[0]}
		if by.Type == P2WPKH {
			compressed := key.Compressed()
			in.Witness = append(in.Witness, compressed[:])
		}
		text := appendWitness(nil, in.Witness)
		if by.Scheme == BIP322Full {
			text = pl.tx.Bytes()
		}
		done = &SignedMessage{base64.Encode(text), by.Network.Address(by.Type, key), id, s.Unbound()}
		return nil
	})
	return done, err
}
