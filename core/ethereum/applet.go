package ethereum

import (
	"context"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
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

// check returns an error for a key that is not of the address that the caller expects.
func (by *Signer) check(key secp256k1.PublicKey) error {
	if by.From == nil || *by.From == AddressOf(key) {
		return nil
	}
	err := errcode.Invalid("from", "not the address that the device has at this path")
	err.Data["reason"] = ForeignFrom
	return err
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
func signPrepared(ctx context.Context, s *signing.Session, ins byte, p hdpath.Path, key secp256k1.PublicKey, digest [32]byte) (signing.Signature, error) {
	resp, err := s.Transmit(ctx, apdu.New(0x80, ins, 0x00, 0x00, []byte(p.String())), device.UserTimeout)
	if err != nil {
		return signing.Signature{}, err
	}
	if err := s.Check(resp.SW, "sign"); err != nil {
		return signing.Signature{}, err
	}
	// 41 ‖ r ‖ s ‖ recovery id. The recovery id belongs to s as the device sends it.
	b := resp.Data
	if len(b) != 66 || b[0] != 0x41 || b[65] > 1 {
		return signing.Signature{}, errcode.New(errcode.Protocol, "a malformed signature")
	}
	raw := signing.Signature{R: [32]byte(b[1:33]), S: [32]byte(b[33:65]), YParity: b[65]}
	return signing.CheckSignature(key, digest, raw)
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
