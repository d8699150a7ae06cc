package ethereum

import (
	"context"
	"crypto/sha256"
	"time"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Applet is the Ethereum applet.
const Applet = device.Applet("eth")

// PersonTimeout bounds the wait for an answer or the next keep-alive where the person has to confirm. Devices send
// keep-alives while they wait, but that is known of simulated ones alone.
const PersonTimeout = 240 * time.Second

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
	tagBinding  = 0x00
	tagData     = 0x01
	tagPayment  = 0x07
	tagReceiver = 0x08
	tagFee      = 0x09
)

// maxData is the most that can be signed at once: its length is written in two bytes.
const maxData = 0xFFFF

// chunkSize is the most that one command of a longer payload carries.
const chunkSize = 245

func doubleSHA256(b []byte) [32]byte {
	sum := sha256.Sum256(b)
	return sha256.Sum256(sum[:])
}

// applet is the selected applet within one operation.
type applet struct {
	s       *device.Session
	keys    Keys
	account Account
}

// open gets the binding's keys and selects the applet. Whoever opens wipes.
func (e *Ethereum) open(ctx context.Context, s *device.Session) (*applet, error) {
	keys, err := e.binder.Keys(ctx, s)
	if err != nil {
		return nil, err
	}
	a := &applet{s: s, keys: keys}
	if err := s.Select(ctx, Applet); err != nil {
		a.keys.wipe()
		return nil, err
	}
	return a, nil
}

// extendedKey asks for the key at a path; one that the binding's secure element did not sign is protocol.
func (a *applet) extendedKey(ctx context.Context, p Path) (ExtendedKey, error) {
	resp, err := a.s.Transmit(ctx, apdu.New(0x80, insPublicKey, 0x00, 0x00, []byte(p.String())), 0)
	if err != nil {
		return ExtendedKey{}, err
	}
	if err := resp.SW.Err("public key"); err != nil {
		return ExtendedKey{}, err
	}
	if len(resp.Data) < 65+32 {
		return ExtendedKey{}, errcode.New(errcode.Protocol, "a truncated public key")
	}
	signed, der := resp.Data[:65+32], resp.Data[65+32:]
	if !secp256k1.Verify(a.keys.SE, sha256.Sum256(signed), der) {
		return ExtendedKey{}, errcode.New(errcode.Protocol, "the public key is not signed by the device that this host knows")
	}
	key, err := secp256k1.ParsePublicKey(signed[:65])
	if err != nil {
		return ExtendedKey{}, err
	}
	return ExtendedKey{PublicKey: key, ChainCode: [32]byte(signed[65:]), Depth: byte(len(p)), Index: p[len(p)-1]}, nil
}

// use makes the account at a path the one that signs. from, if not nil, is whom the caller takes it for.
func (a *applet) use(ctx context.Context, p Path, from *Address) error {
	key, err := a.extendedKey(ctx, p)
	if err != nil {
		return err
	}
	a.account = Account{Path: p, Address: AddressOf(key.PublicKey), PublicKey: key.PublicKey}
	if from != nil && *from != a.account.Address {
		return invalid("from", ForeignFrom)
	}
	return nil
}

// showAddress puts the account's address on the screen and waits for its person.
func (a *applet) showAddress(ctx context.Context) error {
	// Recorded hosts leave 0x out.
	text := a.account.Address.String()[2:]
	resp, err := a.s.Ask(ctx, apdu.New(0x80, insShowAddress, 0x00, 0x00, []byte(text)), PersonTimeout)
	if err != nil {
		return err
	}
	return resp.SW.Err("show the address")
}

// prepare sends a payload in chunks; the person confirms on the last.
func (a *applet) prepare(ctx context.Context, ins byte, payload []byte, progress func(sent, total int)) error {
	for sent := 0; sent < len(payload); {
		n := min(chunkSize, len(payload)-sent)
		cmd := apdu.New(0x80, ins, 0x00, 0x00, payload[sent:sent+n])
		if sent > 0 {
			cmd.P1 = 0x80
		}
		last := sent+n == len(payload)
		if progress != nil {
			progress(sent, len(payload))
		}
		var resp apdu.Response
		var err error
		if last {
			cmd.P2 = 0x80
			resp, err = a.s.Ask(ctx, cmd, PersonTimeout)
		} else {
			resp, err = a.s.Transmit(ctx, cmd, 0)
		}
		if err != nil {
			return err
		}
		if err := a.judge(resp.SW, "prepare"); err != nil {
			return err
		}
		sent += n
	}
	if progress != nil {
		progress(len(payload), len(payload))
	}
	return nil
}

// judge names what a refusal means to a command that signs.
func (a *applet) judge(sw apdu.StatusWord, op string) error {
	refused := errcode.BoundElsewhere
	if a.keys.unbound {
		refused = errcode.NotBound
	}
	return sw.Err(op, apdu.As{SW: apdu.SignatureFailed, Code: refused})
}

// signature has the device sign what was prepared, and lets nothing out but the account's signature over the digest.
func (a *applet) signature(ctx context.Context, ins byte, digest [32]byte) (Signature, error) {
	resp, err := a.s.Transmit(ctx, apdu.New(0x80, ins, 0x00, 0x00, []byte(a.account.Path.String())), PersonTimeout)
	if err != nil {
		return Signature{}, err
	}
	if err := a.judge(resp.SW, "sign"); err != nil {
		return Signature{}, err
	}
	// 41 ‖ r ‖ s ‖ recovery id, which belongs to the s as it comes.
	b := resp.Data
	if len(b) != 66 || b[0] != 0x41 || b[65] > 1 {
		return Signature{}, errcode.New(errcode.Protocol, "a malformed signature")
	}
	raw := Signature{R: [32]byte(b[1:33]), S: [32]byte(b[33:65]), YParity: b[65]}
	if !secp256k1.Signed(a.account.PublicKey, digest, raw.R, raw.S, raw.YParity == 1) {
		return Signature{}, errcode.New(errcode.Protocol, "a signature by another key, or over something else")
	}
	if low, flipped := secp256k1.LowS(raw.S); flipped {
		raw.S, raw.YParity = low, raw.YParity^1
	}
	return raw, nil
}

// dropTimeout bounds the one command that [applet.drop] sends.
const dropTimeout = 2 * time.Second

// drop makes the device forget what a caller who gave up had it prepare: what its person has confirmed by then would
// otherwise wait there for whoever asks for the signature. SELECT does that; where it fails the device has other worries.
func (a *applet) drop(ctx context.Context) {
	if ctx.Err() == nil {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer stop()
	_ = a.s.Select(ctx, Applet)
}

// dataField is the data to be signed with its tag and length.
func dataField(data []byte) []byte {
	b := make([]byte, 0, len(data)+3)
	b = append(b, tagData, byte(len(data)>>8), byte(len(data)))
	return append(b, data...)
}

// textField is a string for the screen.
func textField(dst []byte, tag byte, text string) []byte {
	// Over 255 characters the text is cut; none of ours comes near.
	text = text[:min(len(text), 0xFF)]
	return append(append(dst, tag, byte(len(text))), text...)
}
