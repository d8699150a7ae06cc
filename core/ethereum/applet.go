package ethereum

import (
	"context"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/signing"
)

// Applet is the Ethereum applet.
const Applet = device.Applet("eth")

// The applet's instructions: core/PROTOCOL.md section 6.
const (
	insPrepareTransaction = 0x51
	insSignTransaction    = 0x52
	insPublicKey          = 0x53
	insPrepareMessage     = 0x54
	insSignMessage        = 0x55
	insShowAddress        = 0x56
)

// The tags of what is sent to be signed. Their lengths have one byte, that of the data two.
const (
	tagData     = 0x01
	tagPayment  = 0x07
	tagReceiver = 0x08
	tagFee      = 0x09
)

// maxData is the largest number of bytes that can be signed at once: their length is written in two bytes.
const maxData = 0xFFFF

func extendedKey(ctx context.Context, s *signing.Session, p hdpath.Path) (hdkey.ExtendedKey, error) {
	return s.ExtendedKey(ctx, apdu.New(0x80, insPublicKey, 0x00, 0x00, []byte(p.String())), p)
}

// knownAccount returns the account at a path, without a question if the device has proven its key lately.
func knownAccount(ctx context.Context, s *signing.Session, p hdpath.Path) (Account, error) {
	if key, fresh, _ := s.KnownKey(p); fresh {
		return Account{Path: p, Address: AddressOf(key.PublicKey), PublicKey: key.PublicKey}, nil
	}
	return account(ctx, s, p, nil)
}

// signerAccount returns the account that is to sign, without a question if the device has proven its key before: the signature
// must verify by it.
func signerAccount(ctx context.Context, s *signing.Session, by Signer) (Account, error) {
	if key, _, ok := s.KnownKey(by.Path); ok {
		a := Account{Path: by.Path, Address: AddressOf(key.PublicKey), PublicKey: key.PublicKey}
		if by.From == nil || *by.From == a.Address {
			return a, nil
		}
	}
	return account(ctx, s, by.Path, by.From)
}

// foreign finds out why a signature is not the account's. The wallet may have been replaced since its key was read.
func foreign(ctx context.Context, s *signing.Session, by Signer, a Account, err error) error {
	if again := s.Again(ctx); again != nil {
		return again
	}
	now, again := account(ctx, s, by.Path, by.From)
	if again != nil {
		return again
	}
	if now.Address != a.Address {
		return errAnotherWallet
	}
	return err
}

// errAnotherWallet is the error of a request for a path whose key is another one than the device had there before.
var errAnotherWallet = errcode.New(errcode.DeviceChanged, "the device has another wallet than before")

// account returns the account at a path. from, if not nil, is the address that the caller expects there.
func account(ctx context.Context, s *signing.Session, p hdpath.Path, from *Address) (Account, error) {
	key, err := extendedKey(ctx, s, p)
	if err != nil {
		return Account{}, err
	}
	a := Account{Path: p, Address: AddressOf(key.PublicKey), PublicKey: key.PublicKey}
	if from != nil && *from != a.Address {
		err := errcode.Invalid("from", "not the address that the device has at this path")
		err.Data["reason"] = ForeignFrom
		return Account{}, err
	}
	return a, nil
}

// showAddress shows the address on the screen and waits for the user.
func showAddress(ctx context.Context, s *signing.Session, a Address) error {
	// Recorded hosts leave 0x out.
	text := a.String()[2:]
	resp, err := s.Ask(ctx, apdu.New(0x80, insShowAddress, 0x00, 0x00, []byte(text)), device.UserTimeout)
	if err != nil {
		return err
	}
	return resp.SW.Err("show the address")
}

// signPrepared has the device sign what was prepared. It returns the account's signature over the digest, or an error.
func signPrepared(ctx context.Context, s *signing.Session, ins byte, a Account, digest [32]byte) (Signature, error) {
	resp, err := s.Transmit(ctx, apdu.New(0x80, ins, 0x00, 0x00, []byte(a.Path.String())), device.UserTimeout)
	if err != nil {
		return Signature{}, err
	}
	if err := s.Check(resp.SW, "sign"); err != nil {
		return Signature{}, err
	}
	// 41 ‖ r ‖ s ‖ recovery id. The recovery id belongs to s as the device sends it.
	b := resp.Data
	if len(b) != 66 || b[0] != 0x41 || b[65] > 1 {
		return Signature{}, errcode.New(errcode.Protocol, "a malformed signature")
	}
	raw := signing.Signature{R: [32]byte(b[1:33]), S: [32]byte(b[33:65]), YParity: b[65]}
	checked, err := signing.CheckSignature(a.PublicKey, digest, raw)
	if err == nil {
		s.Proved(a.Path)
	}
	return Signature(checked), err
}

// dataField is the data to be signed with its tag and length.
func dataField(data []byte) []byte {
	b := make([]byte, 0, len(data)+3)
	b = append(b, tagData, byte(len(data)>>8), byte(len(data)))
	return append(b, data...)
}

// textField appends a string for the screen with its tag and length.
func textField(dst []byte, tag byte, text string) []byte {
	// A string of more than 255 bytes is cut. None that this package computes is as long.
	text = text[:min(len(text), 0xFF)]
	return append(append(dst, tag, byte(len(text))), text...)
}
