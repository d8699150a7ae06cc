// Package se is the secure element of a simulated imKey: its key and its attestation certificate, the binding code that it
// draws, and the check that an app knows that code (core/PROTOCOL.md sections 4 and 5).
//
// An [Element] has no state of its own. What must survive a power cut is a [State] in a [Memory], and is stored before the
// element answers. An Element is not safe for concurrent use.
package se

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"imkey-connect/core/bindcode"
	"imkey-connect/devicesim/ecdsa"
	"imkey-connect/devicesim/fakeca"
)

const (
	// SEIDSize is the length of a SEID in bytes.
	SEIDSize = 16
	// PointSize is the length of an uncompressed point in bytes.
	PointSize = 65
	// CiphertextSize is the length of IDENTITY_VERIFY's ciphertext in bytes: a SHA-256 and a block of padding.
	CiphertextSize = sha256.Size + aes.BlockSize
	// MaxWrongCodes is how many wrong codes in a row lock the element. The limit of a real device is not public.
	MaxWrongCodes = 10
)

var (
	// ErrPoint: the app key is not a point of secp256k1 in uncompressed form.
	ErrPoint = errors.New("se: not an uncompressed secp256k1 point")
	// ErrLength: the ciphertext is not 48 bytes long.
	ErrLength = errors.New("se: wrong length of the ciphertext")
	// ErrLocked: there were too many wrong codes in a row.
	ErrLocked = errors.New("se: locked after too many wrong codes")
	// ErrNoCode: no code has been drawn yet.
	ErrNoCode = errors.New("se: no code has been drawn")
	// ErrBoundElsewhere: the element is bound to another app, which alone may have the code shown.
	ErrBoundElsewhere = errors.New("se: bound to another app")
)

// Memory is the element's non-volatile memory. Store returns when the state is durable; if it fails, the old state stays. The
// element does not change the state that Load returns.
type Memory interface {
	Load() State
	Store(State) error
}

// Element is a secure element.
type Element struct {
	memory Memory
	random io.Reader
}

// Open returns the secure element in a memory. If random is nil, it uses crypto/rand.
func Open(memory Memory, random io.Reader) *Element {
	if random == nil {
		random = rand.Reader
	}
	return &Element{memory: memory, random: random}
}

// Binding is the state of the binding for one app.
type Binding int

// The states of the binding.
const (
	Unbound Binding = iota
	BoundToThis
	BoundElsewhere
)

// SEID is the element's identifier.
func (e *Element) SEID() [SEIDSize]byte { return e.memory.Load().SEID }

// Certificate is the attestation certificate as the card manager answers it.
func (e *Element) Certificate() []byte { return e.memory.Load().Certificate }

// Check returns the state of the binding for an app key. An element without a code draws one; drew reports that it did.
func (e *Element) Check(app []byte) (b Binding, drew bool, err error) {
	if _, err := parsePoint(app); err != nil {
		return 0, false, err
	}
	s := e.memory.Load()
	if !s.HasCode {
		if s.Code, err = DrawCode(e.random); err != nil {
			return 0, false, err
		}
		s.HasCode = true
		if err := e.memory.Store(s); err != nil {
			return 0, false, err
		}
		drew = true
	}
	switch {
	case !s.Bound:
		return Unbound, drew, nil
	case subtle.ConstantTimeCompare(s.App[:], app) == 1:
		return BoundToThis, drew, nil
	}
	return BoundElsewhere, drew, nil
}

// Code returns the binding code, or ErrNoCode.
func (e *Element) Code() (bindcode.Code, error) {
	s := e.memory.Load()
	if !s.HasCode {
		return bindcode.Code{}, ErrNoCode
	}
	return s.Code, nil
}

// CodeAttemptsLeft is how many wrong codes lock the element.
func (e *Element) CodeAttemptsLeft() int { return MaxWrongCodes - e.memory.Load().WrongCodes }

// Ready returns nil if Verify would compare the code, else [ErrPoint], [ErrLength], [ErrLocked] or [ErrNoCode].
func (e *Element) Ready(app, ciphertext []byte) error {
	if len(ciphertext) != CiphertextSize {
		return ErrLength
	}
	if _, err := parsePoint(app); err != nil {
		return err
	}
	switch s := e.memory.Load(); {
	case s.WrongCodes >= MaxWrongCodes:
		return ErrLocked
	case !s.HasCode:
		return ErrNoCode
	}
	return nil
}

// Verify decrypts the proof of IDENTITY_VERIFY and reports whether the app knows the code. If it does, the element is bound to
// that app key and to no other. Verify stores the attempt before it compares. A wrong padding and a wrong hash give the same
// answer after the same work.
func (e *Element) Verify(app, ciphertext []byte) (bool, error) {
	if err := e.Ready(app, ciphertext); err != nil {
		return false, err
	}
	point, err := parsePoint(app)
	if err != nil {
		return false, err
	}
	s := e.memory.Load()
	s.WrongCodes++
	if err := e.memory.Store(s); err != nil {
		return false, err
	}

	se := s.privateKey()
	x := secp256k1.GenerateSharedSecret(se, point)
	session := sha1.Sum(x)
	clear(x)
	iv, want := expected(s.Code, app, se.PubKey().SerializeUncompressed())
	block, err := aes.NewCipher(session[:aes.BlockSize])
	clear(session[:])
	if err != nil {
		return false, err
	}
	var plain [CiphertextSize]byte
	cipher.NewCBCDecrypter(block, iv[:]).CryptBlocks(plain[:], ciphertext)
	// The whole plaintext is known, with its padding, so one comparison in constant time covers both.
	right := subtle.ConstantTimeCompare(plain[:], want[:]) == 1
	clear(plain[:])
	clear(want[:])
	if !right {
		return false, nil
	}

	s.WrongCodes = 0
	s.Bound = true
	copy(s.App[:], app)
	if err := e.memory.Store(s); err != nil {
		return false, err
	}
	return true, nil
}

// expected returns the IV of section 5 and the whole plaintext: SHA-256(code ‖ app ‖ se) and 16 bytes of PKCS#7 padding.
func expected(code bindcode.Code, app, se []byte) (iv [aes.BlockSize]byte, plain [CiphertextSize]byte) {
	label, hashed := sha256.Sum256([]byte("bindingCode")), sha256.Sum256(code[:])
	subtle.XORBytes(iv[:], label[:aes.BlockSize], hashed[:aes.BlockSize])

	h := sha256.New()
	h.Write(code[:])
	h.Write(app)
	h.Write(se)
	h.Sum(plain[:0])
	for i := sha256.Size; i < CiphertextSize; i++ {
		plain[i] = aes.BlockSize
	}
	return iv, plain
}

// Unlock resets the count of wrong codes. The device calls it when the user has shown that they hold the device.
func (e *Element) Unlock() error {
	s := e.memory.Load()
	if s.WrongCodes == 0 {
		return nil
	}
	s.WrongCodes = 0
	return e.memory.Store(s)
}

// AppKey is the bound app's public key, uncompressed. ok is false if no app is bound.
func (e *Element) AppKey() (app []byte, ok bool) {
	s := e.memory.Load()
	return append([]byte(nil), s.App[:]...), s.Bound
}

// Sign signs a digest with the element's key. The signature is randomised, in DER form, and its s is not normalised.
func (e *Element) Sign(digest [32]byte) ([]byte, error) {
	var extra [32]byte
	if _, err := io.ReadFull(e.random, extra[:]); err != nil {
		return nil, fmt.Errorf("se: %w", err)
	}
	s := e.memory.Load()
	return ecdsa.Sign(s.privateKey(), digest, extra[:]).DER(), nil
}

// DrawCode draws a binding code. Each of the 32 symbols stands for 5 bits, so any 40 random bits are a code.
func DrawCode(random io.Reader) (bindcode.Code, error) {
	var bits [5]byte
	defer clear(bits[:])
	if _, err := io.ReadFull(random, bits[:]); err != nil {
		return bindcode.Code{}, fmt.Errorf("se: %w", err)
	}
	v := uint64(bits[0])<<32 | uint64(bits[1])<<24 | uint64(bits[2])<<16 | uint64(bits[3])<<8 | uint64(bits[4])
	var code bindcode.Code
	for i := range code {
		code[i] = bindcode.Alphabet[v>>(5*(bindcode.Length-1-i))&31]
	}
	return code, nil
}

func parsePoint(b []byte) (*secp256k1.PublicKey, error) {
	if len(b) != PointSize || b[0] != 4 {
		return nil, ErrPoint
	}
	point, err := secp256k1.ParsePubKey(b)
	if err != nil {
		return nil, ErrPoint
	}
	return point, nil
}

// New returns the state of a new element: a key, and an attestation certificate for it from ca.
func New(seid [SEIDSize]byte, ca *fakeca.CA, random io.Reader) (State, error) {
	if random == nil {
		random = rand.Reader
	}
	key, err := secp256k1.GeneratePrivateKeyFromRand(random)
	if err != nil {
		return State{}, fmt.Errorf("se: %w", err)
	}
	s := State{SEID: seid}
	copy(s.Key[:], key.Serialize())
	s.Certificate = ca.Issue(fakeca.Params{SEID: seid[:], SEPublicKey: key.PubKey().SerializeUncompressed()})
	return s, nil
}
