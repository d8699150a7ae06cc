package binding

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"errors"

	"imkey-connect/core/apdu"
	"imkey-connect/core/attestation"
	"imkey-connect/core/bindcode"
	"imkey-connect/core/device"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// BindOptions are the user's choices for one binding.
type BindOptions struct {
	// Consent says which device to bind. If it is accepted unverified, the record keeps its key, and a later device with
	// another key is refused.
	Consent
	// RememberCode keeps the code in the record, so that the user can look it up later.
	RememberCode bool
	// NewKey makes a new app key even if the device is bound to this app. All copies of the record become worthless.
	NewKey bool
}

// Bind binds this app with the code that the user typed. The binding has an app key that was never bound before and never was in a
// file. Errors have code code-format for a malformed code, which is not sent; untrusted-device, device-changed, wrong-code or
// code-locked; or come from the store or the exchange. If the device is already bound to this app by a key that did not come from
// a file, Bind without NewKey does not check the code and does not change the record.
func (b *Binding) Bind(ctx context.Context, typed string, o BindOptions) error {
	code, err := bindcode.Parse(typed)
	if err != nil {
		return err
	}
	defer code.Wipe()
	return b.BindWith(ctx, &code, o)
}

// BindWith is [Binding.Bind] with a code that was parsed. The caller wipes the code.
func (b *Binding) BindWith(ctx context.Context, code *bindcode.Code, o BindOptions) error {
	if err := b.Expect(o.Shown); err != nil {
		return err
	}
	return b.device.Do(ctx, func(s *device.Session) error {
		c, err := b.check(ctx, s, o.Consent)
		if err != nil {
			return err
		}
		defer c.record.Wipe()
		// The proof below is for the key that is compared here, and for no other.
		if err := b.agreed(c, o.Consent); err != nil || c.status == BoundToThis && !o.NewKey && !c.record.FromFile {
			return err
		}
		c.trust()
		return b.verify(ctx, s, c, code, o.RememberCode)
	})
}

// trust stores the secure element's key in the record, in memory. The user has agreed to use the device.
func (c *check) trust() {
	r := c.record
	r.Trust, r.CA = Accepted, secp256k1.PublicKey{}
	if c.standing.Standing == attestation.Verified {
		r.Trust, r.CA = Verified, c.standing.CA
	}
	r.SE, r.HasSE = c.standing.Certificate.PublicKey, true
	r.Claim, r.HasClaim = secp256k1.PublicKey{}, false
	r.Serial = c.serial // that of an imported record is the file's
}

// verify sends IDENTITY_VERIFY, once.
func (b *Binding) verify(ctx context.Context, s *device.Session, c *check, code *bindcode.Code, remember bool) error {
	r := c.record
	if r.State == VerifySent {
		// The device has said no to the interrupted attempt.
		r.State = Pending
		r.Code.Wipe()
		r.HasCode = false
	}
	if r.State == Pending && !r.BoundAt.IsZero() {
		r.State = Former // as earlier versions of this package left it
	}
	// before is the record to go back to if the device refuses.
	before := *r
	if !before.NextKept {
		before.dropNext()
	}
	defer before.Wipe()
	var remembered bindcode.Code
	if remember {
		remembered = *code
	}
	app := &r.App
	if r.fresh() {
		r.State = VerifySent
		r.Code, r.HasCode = remembered, remember
	} else {
		// An interrupted attempt may have made one, to which the device has said no. One that an import kept may be in a file.
		if !r.HasNext || r.NextKept {
			next, err := secp256k1.Generate(rand.Reader)
			if err != nil {
				return err
			}
			r.dropNext()
			r.Next, r.HasNext = next, true
		}
		r.NextCode, r.HasNextCode = remembered, remember
		app = &r.Next
	}
	payload, err := verifyPayload(app, r.SE, code)
	if err != nil {
		return err
	}
	if err := b.keep(ctx, r); err != nil {
		return err
	}
	resp, err := s.Transmit(ctx, apdu.New(0x80, 0x73, 0x80, 0x00, payload), device.UserTimeout)
	if err != nil {
		// The device may have bound. The next BIND_CHECK tells.
		return err
	}
	// The device has answered: update the record even if the caller gives up.
	ctx = context.WithoutCancel(ctx)
	no := resp.SW.Err("IDENTITY_VERIFY", apdu.As{SW: apdu.ConditionsNotSatisfied, Code: errcode.CodeLocked})
	switch {
	case no != nil && (len(resp.Data) > 0 || errcode.Of(no) == errcode.Protocol):
		// No refusal that is known: a changed answer of a device that has bound looks like this. The next BIND_CHECK tells.
		return no
	case no != nil:
	case len(resp.Data) == 1 && resp.Data[0] == verifyOK:
		if r.HasNext {
			r.promote()
		}
		r.State, r.BoundAt = Bound, now()
		return b.keepBound(ctx, r)
	case len(resp.Data) == 1 && resp.Data[0] == verifyWrong:
		no = errcode.New(errcode.WrongCode, "IDENTITY_VERIFY")
	default:
		return errcode.New(errcode.Protocol, "unknown answer to IDENTITY_VERIFY")
	}
	kept := b.keep(ctx, &before)
	if kept == errChanged { // the new record has nothing to do with this answer
		kept = nil
	}
	return errors.Join(no, kept)
}

// verifyPayload returns the data of IDENTITY_VERIFY: the app's public key (65 bytes) ‖ the ciphertext (48 bytes).
func verifyPayload(app *secp256k1.PrivateKey, se secp256k1.PublicKey, code *bindcode.Code) ([]byte, error) {
	pub := app.Public()
	x, err := app.ECDH(se)
	if err != nil {
		return nil, err
	}
	defer clear(x[:])
	key := sha1.Sum(x[:])
	defer clear(key[:])
	plain := make([]byte, 0, bindcode.Length+2*len(pub))
	plain = append(plain, code[:]...)
	plain = append(plain, pub[:]...)
	plain = append(plain, se[:]...)
	defer clear(plain)
	digest := sha256.Sum256(plain)
	iv := verifyIV(code)
	ciphertext, err := encryptCBC(key[:16], iv[:], digest[:])
	if err != nil {
		return nil, err
	}
	return append(pub[:], ciphertext...), nil
}

// encryptCBC encrypts with AES-CBC and the padding of PKCS #7, which adds 1 to 16 bytes.
func encryptCBC(key, iv, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errcode.Wrap(errcode.Internal, "AES", err)
	}
	padded := make([]byte, len(plain)/16*16+16)
	for i := copy(padded, plain); i < len(padded); i++ {
		padded[i] = byte(len(padded) - len(plain))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return padded, nil
}

// verifyIV returns the first 16 bytes of SHA-256("bindingCode") XOR SHA-256(code).
func verifyIV(code *bindcode.Code) (iv [16]byte) {
	a := sha256.Sum256([]byte("bindingCode"))
	hash := sha256.New()
	hash.Write(code[:])
	b := hash.Sum(nil)
	hash.Reset()
	hash.Write(make([]byte, bindcode.Length)) // overwrites the code in the hash's buffer
	for i := range iv {
		iv[i] = a[i] ^ b[i]
	}
	return iv
}
