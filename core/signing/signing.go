// Package signing has what the applets of all coins share: it turns a request into a signature that was checked
// (core/PROTOCOL.md sections 3 and 6). A coin's package makes an [Applet], describes its own commands, and gets from this
// package
//
//   - an operation with the device to itself, the binding's keys at hand and the applet selected ([Applet.Do])
//   - public keys, and other answers, whose signature by the secure element was verified ([Session.ExtendedKey],
//     [Session.Attested])
//   - the field with the binding signature ([Session.BindingField])
//   - payloads in chunks, with progress ([Session.Send])
//   - status words translated to error codes ([Session.Check])
//   - signatures verified and brought to low s ([CheckSignature]), by the account's key ([Applet.Sign])
package signing

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
)

// ChunkSize is the largest number of payload bytes in one command.
const ChunkSize = 245

// Applet is one applet of an open device, together with the binding that authorises its operations.
type Applet struct {
	device *device.Device
	id     device.Applet
	binder Binder
}

// New returns the applet with this id on d. It sends nothing.
func New(d *device.Device, id device.Applet, b Binder) *Applet { return &Applet{d, id, b} }

// Do runs one operation with the device to itself. It gets the binding's keys, selects the applet, calls op, and wipes the
// keys when op returns. Operations run one after another.
//
// With a [Recaller], op first runs on what this host believes: the keys of the record, the selected applet, the public keys that
// the secure element signed. If the device refuses in a way that a stale belief can explain, Do asks the device for the truth. It
// then calls op once more, unless the user was asked already: one request asks once.
func (a *Applet) Do(ctx context.Context, op func(*Session) error) error {
	return a.device.Do(ctx, func(d *device.Session) error {
		if r, ok := a.binder.(Recaller); ok {
			keys, ok, err := r.Recall(ctx, d)
			if err != nil {
				return err
			}
			if ok {
				s := &Session{Session: d, applet: a.id, keys: keys, recalled: true}
				keys.wipe()
				err := s.run(op)
				if !stale(err) {
					return err
				}
				if s.asked && !refusedUnasked(err) || s.confirmed || s.Waited() {
					return a.explain(ctx, s, err)
				}
			}
		}
		keys, err := a.binder.Keys(ctx, d)
		if err != nil {
			return err
		}
		s := &Session{Session: d, applet: a.id, keys: keys}
		keys.wipe()
		if err := s.Select(ctx, a.id); err != nil {
			s.keys.wipe()
			return err
		}
		return s.run(op)
	})
}

// explain asks the device why a request failed that the user was asked for.
func (a *Applet) explain(ctx context.Context, s *Session, failed error) error {
	keys, err := a.binder.Keys(ctx, s.Session)
	keys.wipe()
	switch {
	case err != nil:
		return err
	case s.confirmed:
		return errcode.Wrap(errcode.Protocol, "the device did not sign what the user confirmed", failed)
	}
	return failed
}

// Session exchanges APDUs with the applet during one operation.
type Session struct {
	*device.Session
	applet    device.Applet
	keys      Keys
	recalled  bool // the device was not asked for the binding, and the applet may not be selected
	asked     bool // a command was sent with which the device asks the user
	confirmed bool // the user has confirmed something
}

// run calls op and wipes the keys. After an error nothing is believed any more.
func (s *Session) run(op func(*Session) error) error {
	defer s.keys.wipe()
	err := op(s)
	if err != nil {
		s.Forget()
	}
	return err
}

// stale reports whether a stale belief can explain an error: the wrong applet, binding, wallet or device answered.
func stale(err error) bool {
	var sw apdu.StatusWord
	if !errors.As(err, &sw) {
		return errors.Is(err, errForeign)
	}
	switch sw {
	case apdu.Rejected, apdu.MnemonicCancelled, apdu.InMenu, apdu.PINNotVerified, apdu.SwitchedToBootLoader, apdu.NotFound:
		return false
	}
	return true
}

// refusedUnasked reports whether err is one of the status words by which a device refuses a request without asking the user.
func refusedUnasked(err error) bool {
	var sw apdu.StatusWord
	errors.As(err, &sw)
	switch sw {
	case apdu.SignatureFailed, apdu.ConditionsNotSatisfied, apdu.InstructionNotSupported, apdu.ClassNotSupported, apdu.NoWallet:
		return true
	}
	return false
}

// errForeign is the cause of an error with code protocol for an answer that another key signed than this host believes.
var errForeign = errors.New("another key")

// Transmit is [device.Session.Transmit] with the applet selected.
func (s *Session) Transmit(ctx context.Context, cmd apdu.Command, within time.Duration) (apdu.Response, error) {
	if err := s.Ensure(ctx, s.applet); err != nil {
		return apdu.Response{}, err
	}
	return s.Session.Transmit(ctx, cmd, within)
}

// Ask is [device.Session.Ask] with the applet selected.
func (s *Session) Ask(ctx context.Context, cmd apdu.Command, within time.Duration) (apdu.Response, error) {
	if err := s.Ensure(ctx, s.applet); err != nil {
		return apdu.Response{}, err
	}
	s.asked = true
	resp, err := s.Session.Ask(ctx, cmd, within)
	s.confirmed = s.confirmed || err == nil && resp.SW == apdu.OK
	return resp, err
}

// Version returns what the applet answered to SELECT. Some applets answer their version in ASCII.
func (s *Session) Version(ctx context.Context) (string, error) {
	if err := s.Ensure(ctx, s.applet); err != nil {
		return "", err
	}
	return string(s.Selected()), nil
}

// Recalled reports that the operation runs on what this host believes; see [Applet.Do].
func (s *Session) Recalled() bool { return s.recalled }

// Unbound reports that the operation runs without a binding; see the function [Unbound].
func (s *Session) Unbound() bool { return s.keys.unbound }

// Attested splits an answer that the secure element signed: n bytes ‖ DER signature over them. It returns the n bytes. An answer
// that is too short, or that the binding's secure element did not sign, is an error with code protocol.
func (s *Session) Attested(answer []byte, n int) ([]byte, error) {
	if len(answer) < n {
		return nil, errcode.Wrap(errcode.Protocol, "truncated answer", errForeign)
	}
	if !secp256k1.Verify(s.keys.SE, sha256.Sum256(answer[:n]), answer[n:]) {
		return nil, errcode.Wrap(errcode.Protocol, "the secure element of this binding did not sign the answer", errForeign)
	}
	return answer[:n], nil
}

// ExtendedKey asks for the public key at a path with the applet's own command. The answer is public key (65 bytes) ‖ chain
// code (32 bytes), as for [Session.Attested]. Parent stays empty in the result.
func (s *Session) ExtendedKey(ctx context.Context, cmd apdu.Command, p hdpath.Path) (hdkey.ExtendedKey, error) {
	var key hdkey.ExtendedKey
	resp, err := s.Transmit(ctx, cmd, 0)
	if err != nil {
		return key, err
	}
	if err := s.Check(resp.SW, "public key"); err != nil { // some applets want a binding signature for it
		return key, err
	}
	b, err := s.Attested(resp.Data, 65+32)
	if err != nil {
		return key, err
	}
	if key.PublicKey, err = secp256k1.ParsePublicKey(b[:65]); err != nil {
		return key, err
	}
	key.ChainCode = [32]byte(b[65:])
	key.Depth, key.Index = byte(len(p)), p[len(p)-1]
	s.Remember(s.factName(p), &keyFact{key, s.keys.SE, time.Now(), s.Links()})
	return key, nil
}

// KeyReader asks the device for the public key at a path with an applet's own command; see [Session.ExtendedKey].
type KeyReader func(context.Context, *Session, hdpath.Path) (hdkey.ExtendedKey, error)

// Key returns the public key at a path, as one operation. It asks the device unless the key was proven lately; see [FreshFor]. If show is
// not nil, it asks in any case and calls show, which has the user compare the address on the screen.
func (a *Applet) Key(ctx context.Context, p hdpath.Path, read KeyReader, show func(*Session, secp256k1.PublicKey) error) (key hdkey.ExtendedKey, err error) {
	err = a.Do(ctx, func(s *Session) (err error) {
		var fresh bool
		// The device shows what it is sent, so the key is read now.
		if key, fresh, _ = s.KnownKey(p); show != nil || !fresh {
			if key, err = read(ctx, s, p); err != nil {
				return err
			}
		}
		if show == nil {
			return nil
		}
		return show(s, key.PublicKey)
	})
	if err != nil {
		return hdkey.ExtendedKey{}, err
	}
	return key, nil
}

// ExtendedKey returns the extended public key at a path of two components or more. It reads the key above as well, for the fingerprint.
func (a *Applet) ExtendedKey(ctx context.Context, p hdpath.Path, read KeyReader) (key hdkey.ExtendedKey, err error) {
	err = a.Do(ctx, func(s *Session) error {
		parent, err := read(ctx, s, p[:len(p)-1])
		if err != nil {
			return err
		}
		key, err = read(ctx, s, p)
		key.Parent = parent.Fingerprint()
		return err
	})
	return key, err
}

// FreshFor is how long a public key that the secure element signed counts as the wallet's without a question. To replace the wallet
// the user has to enter a mnemonic phrase on the device, which takes longer.
const FreshFor = 10 * time.Second

// keyFact is a public key that the device has proven.
type keyFact struct {
	key hdkey.ExtendedKey
	se  secp256k1.PublicKey // the secure element that signed it
	at  time.Time           // of the last proof
	on  int                 // the link of the last proof
}

func (s *Session) factName(p hdpath.Path) string { return string(s.applet) + " " + p.String() }

func (s *Session) keyFact(p hdpath.Path) *keyFact {
	if f, ok := s.Remembered(s.factName(p)).(*keyFact); ok && s.recalled && f.se == s.keys.SE {
		return f
	}
	return nil
}

// KnownKey returns the public key at a path that [Session.ExtendedKey] returned before. fresh reports that it was proven on
// this link and within [FreshFor]. An older one is good only for an answer that proves it again, such as a signature that verifies by it.
func (s *Session) KnownKey(p hdpath.Path) (key hdkey.ExtendedKey, fresh, ok bool) {
	f := s.keyFact(p)
	if f == nil {
		return key, false, false
	}
	return f.key, f.on == s.Links() && time.Since(f.at) < FreshFor, true
}

// Proved notes that the device has used the private key at a path just now.
func (s *Session) Proved(p hdpath.Path) {
	if f := s.keyFact(p); f != nil {
		s.Remember(s.factName(p), &keyFact{f.key, f.se, time.Now(), s.Links()})
	}
}

// Again drops what this host believes about the device, and selects the applet. It is for an operation that looks for the cause of
// an error that [Foreign] reports.
func (s *Session) Again(ctx context.Context) error {
	s.Forget()
	return s.Select(ctx, s.applet)
}

// Request is one request to sign with the key at a path.
type Request struct {
	Path hdpath.Path
	// Key asks the device for the key at the path.
	Key KeyReader
	// Check, if not nil, returns an error for a key that is not of the account that the caller expects.
	Check func(secp256k1.PublicKey) error
	// Sign has the device sign. The signature that it returns was verified by the key.
	Sign func(context.Context, *Session, secp256k1.PublicKey) (Signature, error)
}

// Signed is a signature that was checked, and by what.
type Signed struct {
	Signature
	Key secp256k1.PublicKey
	// Unbound reports that the request had no binding signature; see the function [Unbound].
	Unbound bool
}

// Sign runs a request to sign as one operation. It takes the key from what this host believes, since the signature must verify by it,
// and asks the device for the key only if it knows none, or not one that r.Check accepts. If the wallet was replaced meanwhile, the
// error has the code device-changed, or is that of r.Check.
func (a *Applet) Sign(ctx context.Context, r Request) (Signed, error) {
	var got Signed
	var believed *secp256k1.PublicKey // of a first run on what this host believed
	err := a.Do(ctx, func(s *Session) error {
		key, _, ok := s.KnownKey(r.Path)
		if !ok || r.check(key.PublicKey) != nil {
			var err error
			if key, err = r.ask(ctx, s); err != nil {
				return err
			}
		}
		if believed != nil && *believed != key.PublicKey {
			return errAnotherWallet
		}
		believed = &key.PublicKey
		signature, err := r.Sign(ctx, s, key.PublicKey)
		if s.recalled && Foreign(err) {
			err = r.foreign(ctx, s, key.PublicKey, err)
		}
		if err != nil {
			return err
		}
		s.Proved(r.Path)
		got = Signed{signature, key.PublicKey, s.Unbound()}
		return nil
	})
	return got, err
}

func (r *Request) check(key secp256k1.PublicKey) error {
	if r.Check == nil {
		return nil
	}
	return r.Check(key)
}

func (r *Request) ask(ctx context.Context, s *Session) (hdkey.ExtendedKey, error) {
	key, err := r.Key(ctx, s, r.Path)
	if err == nil {
		err = r.check(key.PublicKey)
	}
	return key, err
}

// foreign finds out why a signature is not the account's. The wallet may have been replaced since its key was read.
func (r *Request) foreign(ctx context.Context, s *Session, key secp256k1.PublicKey, err error) error {
	if again := s.Again(ctx); again != nil {
		return again
	}
	now, again := r.ask(ctx, s)
	if again != nil {
		return again
	}
	if now.PublicKey != key {
		return errAnotherWallet
	}
	return err
}

// errAnotherWallet is the error of a request for a path whose key is another one than the device had there before.
var errAnotherWallet = errcode.New(errcode.DeviceChanged, "the device has another wallet than before")

// Foreign reports whether err says that another key signed an answer than this host believes.
func Foreign(err error) bool { return errors.Is(err, errForeign) }

// tagBinding is the tag of the field with the binding signature.
const tagBinding = 0x00

// BindingField returns the field that authorises a request: 00 ‖ length ‖ DER signature of the app key over
// SHA-256(SHA-256(signed)). Without a binding it is 00 ‖ unbound, where unbound is what old hosts wrote there: at least the
// length 00.
func (s *Session) BindingField(signed, unbound []byte) ([]byte, error) {
	if s.keys.unbound {
		return append([]byte{tagBinding}, unbound...), nil
	}
	sum := sha256.Sum256(signed)
	der, err := s.keys.App.Sign(sha256.Sum256(sum[:]))
	if err != nil {
		return nil, err
	}
	return append([]byte{tagBinding, byte(len(der))}, der...), nil
}

// Payload is data that an applet takes in chunks of at most [ChunkSize] bytes.
type Payload struct {
	// Op names the command in errors.
	Op string
	// Command makes the command for a chunk.
	Command func(c Chunk) apdu.Command
	// Confirm says that the device waits for the user after the last chunk.
	Confirm bool
	Data    []byte
	// Progress, if not nil, gets the number of bytes that the device has received. It must return at once.
	Progress func(sent, total int)
}

// Chunk is one piece of a payload.
type Chunk struct {
	Data        []byte
	First, Last bool
}

// Chunks returns the form of chunked commands that most applets use: class 80, P1 00 for the first chunk and 80 for the
// others, P2 80 for the last one and 00 for the others, with Le.
func Chunks(ins byte) func(Chunk) apdu.Command {
	return func(c Chunk) apdu.Command {
		cmd := apdu.New(0x80, ins, 0x00, 0x00, c.Data)
		if !c.First {
			cmd.P1 = 0x80
		}
		if c.Last {
			cmd.P2 = 0x80
		}
		return cmd
	}
}

// Send sends a payload and returns the answer to its last chunk. A status word other than 9000 is an error; see
// [Session.Check].
func (s *Session) Send(ctx context.Context, p Payload) (resp apdu.Response, err error) {
	total := len(p.Data)
	for sent := 0; sent < total; {
		n := min(ChunkSize, total-sent)
		chunk := Chunk{Data: p.Data[sent : sent+n], First: sent == 0, Last: sent+n == total}
		if p.Progress != nil {
			p.Progress(sent, total)
		}
		if chunk.Last && p.Confirm {
			resp, err = s.Ask(ctx, p.Command(chunk), device.UserTimeout)
		} else {
			resp, err = s.Transmit(ctx, p.Command(chunk), 0)
		}
		if err == nil {
			err = s.Check(resp.SW, p.Op)
		}
		if err != nil {
			return resp, err
		}
		sent += n
	}
	if p.Progress != nil {
		p.Progress(total, total)
	}
	return resp, nil
}

// Check returns nil for 9000, else the error that the status word means for a request to sign. A refused binding signature
// (6942) is bound-elsewhere, or not-bound for an operation without a binding.
func (s *Session) Check(sw apdu.StatusWord, op string) error {
	refused := errcode.BoundElsewhere
	if s.keys.unbound {
		refused = errcode.NotBound
	}
	return sw.Err(op, apdu.As{SW: apdu.SignatureFailed, Code: refused})
}

// dropTimeout bounds the one command that [Session.Drop] sends.
const dropTimeout = 2 * time.Second

// Drop makes the device forget a prepared request if ctx has ended. Otherwise a request that the user confirmed after the
// caller gave up would stay on the device, ready to be signed for the next host that asks. Selecting the applet again does
// that. Errors are ignored, since the operation has failed already.
func (s *Session) Drop(ctx context.Context) {
	if ctx.Err() != nil {
		s.Clear(ctx)
	}
}

// Clear makes the device forget a prepared request, as [Session.Drop], but in any case. It is for applets that keep a transaction of which
// everything is signed.
func (s *Session) Clear(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
	defer stop()
	_ = s.Select(ctx, s.applet)
}

// Signature is an ECDSA signature over secp256k1. R and S are big-endian.
type Signature struct {
	R, S [32]byte
	// YParity is the recovery id, 0 or 1.
	YParity byte
}

// FindSignature is [CheckSignature] for an answer whose recovery id is not known: it is the one by which the signature verifies. rs is
// r ‖ s.
func FindSignature(key secp256k1.PublicKey, digest [32]byte, rs []byte) (Signature, error) {
	raw := Signature{R: [32]byte(rs[:32]), S: [32]byte(rs[32:64])}
	checked, err := CheckSignature(key, digest, raw)
	if err != nil {
		raw.YParity = 1
		checked, err = CheckSignature(key, digest, raw)
	}
	return checked, err
}

// CheckSignature verifies that raw is the key's signature over the digest with the recovery id of raw, and returns it with s
// in the lower half of the order. Devices send either half. Anything else is an error with code protocol.
func CheckSignature(key secp256k1.PublicKey, digest [32]byte, raw Signature) (Signature, error) {
	if !secp256k1.Signed(key, digest, raw.R, raw.S, raw.YParity == 1) {
		return Signature{}, errcode.Wrap(errcode.Protocol, "a signature by another key, or over something else", errForeign)
	}
	if low, flipped := secp256k1.LowS(raw.S); flipped {
		raw.S, raw.YParity = low, raw.YParity^1
	}
	return raw, nil
}
