// Package se is the simulated imKey's secure element: its key and certificate, the binding code that it draws, and the
// check of who knows that code (core/PROTOCOL.md sections 4 and 5).
//
// An [Element] keeps nothing of its own: whatever must outlive a power cut is a [State] in a [Memory], and is there
// before an answer is given. It is not safe for concurrent use.
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
	// CiphertextSize is the length of IDENTITY_VERIFY's ciphertext: a SHA-256 and a whole block of padding.
	CiphertextSize = sha256.Size + aes.BlockSize
	// MaxWrongCodes is how many wrong codes in a row lock the check. A real device's limit is not public.
	MaxWrongCodes = 10
)

var (
	// ErrPoint: the host's key is not a point of secp256k1 in uncompressed form.
	ErrPoint = errors.New("se: not an uncompressed secp256k1 point")
	// ErrLength: the ciphertext is not 48 bytes long.
	ErrLength = errors.New("se: wrong length of the ciphertext")
	// ErrLocked: too many wrong codes in a row.
	ErrLocked = errors.New("se: locked after too many wrong codes")
	// ErrNoCode: no code was drawn yet.
	ErrNoCode = errors.New("se: no code was drawn")
	// ErrBoundElsewhere: the code is not for this host to see.
	ErrBoundElsewhere = errors.New("se: bound to another key")
)

// Memory is the element's non-volatile memory. Store returns only when the state is durable; if it fails the old state
// stays. Load's result is a copy, or is never written to.
type Memory interface {
	Load() State
	Store(State) error
}

// Element is a secure element.
type Element struct {
	memory Memory
	random io.Reader
}

// Open puts a secure element on top of its memory. random nil means crypto/rand.
func Open(memory Memory, random io.Reader) *Element {
	if random == nil {
		random = rand.Reader
	}
	return &Element{memory: memory, random: random}
}

// Binding is what BIND_CHECK tells a host.
type Binding int

// The answers to BIND_CHECK.
const (
	Unbound Binding = iota
	BoundToThis
	BoundElsewhere
)

// SEID is the element's id.
func (e *Element) SEID() [SEIDSize]byte { return e.memory.Load().SEID }

// Certificate is the element's certificate as the card manager answers it.
func (e *Element) Certificate() []byte { return e.memory.Load().Certificate }

// PublicKey is the element's key, uncompressed.
func (e *Element) PublicKey() []byte {
	s := e.memory.Load()
	return s.privateKey().PubKey().SerializeUncompressed()
}

// Check answers BIND_CHECK for a host's key. An element without a code draws one, which drew tells.
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

// Code is the binding code for the device's screen.
func (e *Element) Code() (bindcode.Code, error) {
	s := e.memory.Load()
	if !s.HasCode {
		return bindcode.Code{}, ErrNoCode
	}
	return s.Code, nil
}

// Bound says whether a host is bound.
func (e *Element) Bound() bool { return e.memory.Load().Bound }

// CodeAttemptsLeft is how many wrong codes are left before the check locks.
func (e *Element) CodeAttemptsLeft() int { return MaxWrongCodes - e.memory.Load().WrongCodes }

// Ready says whether Verify would check a code: nil, [ErrPoint], [ErrLength], [ErrLocked] or [ErrNoCode].
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

// Verify answers IDENTITY_VERIFY: whether the host that holds the key app proved that it knows the code. If so the
// element is bound to that key and to no other. The attempt is counted, durably, before it is looked at. A wrong padding
// and a wrong hash are one case: same answer, same work.
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
	// The plaintext, padding included, is known: one comparison of all of it leaves nothing to tell apart.
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

// expected is the iv of section 5 and the whole plaintext: SHA-256(code ‖ app ‖ se) and 16 bytes of PKCS#7.
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

// Unlock forgets the wrong codes: the device's person is there.
func (e *Element) Unlock() error {
	s := e.memory.Load()
	if s.WrongCodes == 0 {
		return nil
	}
	s.WrongCodes = 0
	return e.memory.Store(s)
}

// AppKey is the bound host's key, uncompressed; ok is false while none is bound.
func (e *Element) AppKey() (app []byte, ok bool) {
	s := e.memory.Load()
	return append([]byte(nil), s.App[:]...), s.Bound
}

// Sign signs a digest with the element's key, randomised and not normalised, DER encoded.
func (e *Element) Sign(digest [32]byte) ([]byte, error) {
	var extra [32]byte
	if _, err := io.ReadFull(e.random, extra[:]); err != nil {
		return nil, fmt.Errorf("se: %w", err)
	}
	s := e.memory.Load()
	return ecdsa.Sign(s.privateKey(), digest, extra[:]).DER(), nil
}

// DrawCode draws a binding code. 32 symbols are 5 bits each, so that 40 random bits are a code and none is rejected.
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

// New makes the state of a new element: a key, and a certificate for it from ca.
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
