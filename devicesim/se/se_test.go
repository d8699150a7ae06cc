package se

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	decred "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/stretchr/testify/require"

	"imkey-connect/core/bindcode"
	"imkey-connect/devicesim/fakeca"
)

// ram is a Memory that keeps all stored states, and fails at a chosen store.
type ram struct {
	state  State
	stores []State
	cutAt  int // fail from this store on, counted from 1; 0 = never
}

var errCut = errors.New("power cut")

func (m *ram) Load() State { return m.state }

func (m *ram) Store(s State) error {
	if m.cutAt > 0 && len(m.stores)+1 >= m.cutAt {
		return errCut
	}
	m.stores = append(m.stores, s)
	m.state = s
	return nil
}

func seeded(seed byte) *mathrand.ChaCha8 { return mathrand.NewChaCha8([32]byte{seed}) }

func newElement(t testing.TB) (*Element, *ram) {
	random := seeded(1)
	ca, err := fakeca.New(random)
	require.NoError(t, err)
	s, err := New([SEIDSize]byte{0x19, 0x06}, ca, random)
	require.NoError(t, err)
	m := &ram{state: s}
	return Open(m, random), m
}

// host is the other side of section 5. It shares no code with the element.
type host struct{ key *secp256k1.PrivateKey }

func newHost(seed byte) *host {
	return &host{secp256k1.PrivKeyFromBytes(bytes.Repeat([]byte{seed}, 32))}
}

func (h *host) pub() []byte { return h.key.PubKey().SerializeUncompressed() }

func (h *host) seal(t testing.TB, se []byte, code string, plain []byte) []byte {
	point, err := secp256k1.ParsePubKey(se)
	require.NoError(t, err)
	session := sha1.Sum(secp256k1.GenerateSharedSecret(h.key, point))
	a, b := sha256.Sum256([]byte("bindingCode")), sha256.Sum256([]byte(code))
	iv := make([]byte, 16)
	for i := range iv {
		iv[i] = a[i] ^ b[i]
	}
	block, err := aes.NewCipher(session[:16])
	require.NoError(t, err)
	out := make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, plain)
	return out
}

func (h *host) proof(t testing.TB, se []byte, code string) []byte {
	sum := sha256.Sum256(append(append([]byte(code), h.pub()...), se...))
	return h.seal(t, se, code, append(sum[:], bytes.Repeat([]byte{16}, 16)...))
}

func code(t testing.TB, e *Element) string {
	c, err := e.Code()
	require.NoError(t, err)
	return string(c[:])
}

func other(code string) string {
	if code[0] == '2' {
		return "3" + code[1:]
	}
	return "2" + code[1:]
}

// TestVector checks the IV of vectors/imkey.json.
func TestVector(t *testing.T) {
	c, err := bindcode.Parse("PVU3FY64")
	require.NoError(t, err)
	iv, _ := expected(c, nil, nil)
	require.Equal(t, "4cf3169c9feb3567bfa2710716a8c778", hex.EncodeToString(iv[:]))
}

func TestBinding(t *testing.T) {
	e, _ := newElement(t)
	a, b := newHost(1), newHost(2)
	require.ErrorIs(t, e.Ready(a.pub(), make([]byte, 48)), ErrNoCode)
	_, err := e.Code()
	require.ErrorIs(t, err, ErrNoCode)

	state, drew, err := e.Check(a.pub())
	require.NoError(t, err)
	require.True(t, drew)
	require.Equal(t, Unbound, state)
	c := code(t, e)
	state, drew, err = e.Check(b.pub())
	require.NoError(t, err)
	require.False(t, drew, "the code stays the same until a reset")
	require.Equal(t, Unbound, state)

	check := func(h *host, want Binding) {
		t.Helper()
		state, drew, err := e.Check(h.pub())
		require.NoError(t, err)
		require.False(t, drew)
		require.Equal(t, want, state)
	}
	ok, err := e.Verify(a.pub(), a.proof(t, publicKey(e), other(c)))
	require.NoError(t, err)
	require.False(t, ok)
	check(a, Unbound)
	ok, err = e.Verify(a.pub(), a.proof(t, publicKey(e), c))
	require.NoError(t, err)
	require.True(t, ok)
	check(a, BoundToThis)
	check(b, BoundElsewhere)
	require.Equal(t, MaxWrongCodes, e.CodeAttemptsLeft(), "a right code resets the count of wrong ones")

	// The same code binds another app, which unbinds the first one. Another app's proof does not.
	ok, err = e.Verify(b.pub(), a.proof(t, publicKey(e), c))
	require.NoError(t, err)
	require.False(t, ok)
	ok, err = e.Verify(b.pub(), b.proof(t, publicKey(e), c))
	require.NoError(t, err)
	require.True(t, ok)
	check(a, BoundElsewhere)
	check(b, BoundToThis)
	require.Equal(t, c, code(t, e))
	app, bound := e.AppKey()
	require.True(t, bound)
	require.Equal(t, b.pub(), app)
}

// TestBadPaddingIsABadHash checks that each wrong plaintext has the same answer and the same effect.
func TestBadPaddingIsABadHash(t *testing.T) {
	h := newHost(1)
	for name, plain := range map[string]func(sum []byte) []byte{
		"hash":              func(s []byte) []byte { s[0] ^= 1; return append(s, bytes.Repeat([]byte{16}, 16)...) },
		"last byte of pad":  func(s []byte) []byte { return append(s, append(bytes.Repeat([]byte{16}, 15), 15)...) },
		"first byte of pad": func(s []byte) []byte { return append(s, append([]byte{0}, bytes.Repeat([]byte{16}, 15)...)...) },
		"padding of 1":      func(s []byte) []byte { return append(s, append(make([]byte, 15), 1)...) },
		"padding of 0":      func(s []byte) []byte { return append(s, make([]byte, 16)...) },
		"padding of 17":     func(s []byte) []byte { return append(s, bytes.Repeat([]byte{17}, 16)...) },
		"padding of FF":     func(s []byte) []byte { return append(s, bytes.Repeat([]byte{255}, 16)...) },
	} {
		e, m := newElement(t)
		_, _, err := e.Check(h.pub())
		require.NoError(t, err)
		c := code(t, e)
		stores := len(m.stores)
		sum := sha256.Sum256(append(append([]byte(c), h.pub()...), publicKey(e)...))
		ok, err := e.Verify(h.pub(), h.seal(t, publicKey(e), c, plain(sum[:])))
		require.NoError(t, err, name)
		require.False(t, ok, name)
		require.Equal(t, MaxWrongCodes-1, e.CodeAttemptsLeft(), name)
		require.Len(t, m.stores, stores+1, name)
		require.False(t, bound(e))
	}
}

// TestEveryBit flips each bit of the right ciphertext. Each result is a wrong code.
func TestEveryBit(t *testing.T) {
	e, m := newElement(t)
	h := newHost(1)
	_, _, err := e.Check(h.pub())
	require.NoError(t, err)
	right := h.proof(t, publicKey(e), code(t, e))
	for bit := range 8 * len(right) {
		m.state.WrongCodes = 0
		wrong := bytes.Clone(right)
		wrong[bit/8] ^= 1 << (bit % 8)
		ok, err := e.Verify(h.pub(), wrong)
		require.NoError(t, err)
		require.False(t, ok, bit)
	}
}

func TestLock(t *testing.T) {
	e, _ := newElement(t)
	h := newHost(1)
	_, _, err := e.Check(h.pub())
	require.NoError(t, err)
	c := code(t, e)
	wrong, right := h.proof(t, publicKey(e), other(c)), h.proof(t, publicKey(e), c)
	for i := range MaxWrongCodes {
		require.Equal(t, MaxWrongCodes-i, e.CodeAttemptsLeft())
		ok, err := e.Verify(h.pub(), wrong)
		require.NoError(t, err)
		require.False(t, ok)
	}
	require.Zero(t, e.CodeAttemptsLeft())
	for _, proof := range [][]byte{wrong, right} {
		_, err = e.Verify(h.pub(), proof)
		require.ErrorIs(t, err, ErrLocked)
	}
	require.NoError(t, e.Unlock())
	ok, err := e.Verify(h.pub(), right)
	require.NoError(t, err)
	require.True(t, ok)

	// Only wrong codes in a row count.
	for range 3 {
		for range MaxWrongCodes - 1 {
			_, err := e.Verify(h.pub(), wrong)
			require.NoError(t, err)
		}
		ok, err := e.Verify(h.pub(), right)
		require.NoError(t, err)
		require.True(t, ok)
	}
}

func TestMalformed(t *testing.T) {
	e, m := newElement(t)
	h := newHost(1)
	_, _, err := e.Check(h.pub())
	require.NoError(t, err)
	before := m.state
	off := bytes.Clone(h.pub())
	off[64] ^= 1
	for _, app := range [][]byte{nil, h.pub()[:64], append(h.pub(), 0), off, h.key.PubKey().SerializeCompressed(), append([]byte{6 + off[64]&1}, off[1:]...)} {
		_, _, err := e.Check(app)
		require.ErrorIs(t, err, ErrPoint)
		_, err = e.Verify(app, make([]byte, 48))
		require.ErrorIs(t, err, ErrPoint)
	}
	for _, n := range []int{0, 16, 32, 47, 49, 64} {
		_, err = e.Verify(h.pub(), make([]byte, n))
		require.ErrorIs(t, err, ErrLength)
	}
	require.Equal(t, before, m.state, "none of these was an attempt")
}

// TestPowerCut cuts the power at each store of a wrong and of a right attempt. An attempt that was answered is counted, and the
// binding is complete or absent.
func TestPowerCut(t *testing.T) {
	for _, right := range []bool{false, true} {
		for cut := 1; cut <= 3; cut++ {
			e, m := newElement(t)
			a, b := newHost(1), newHost(2)
			_, _, err := e.Check(a.pub())
			require.NoError(t, err)
			c := code(t, e)
			ok, err := e.Verify(a.pub(), a.proof(t, publicKey(e), c))
			require.NoError(t, err)
			require.True(t, ok)
			before := m.state
			proof := b.proof(t, publicKey(e), other(c))
			if right {
				proof = b.proof(t, publicKey(e), c)
			}
			m.stores, m.cutAt = nil, cut
			ok, err = e.Verify(b.pub(), proof)

			m.cutAt = 0
			again := Open(m, seeded(9))
			left := again.CodeAttemptsLeft()
			switch state, _, _ := again.Check(b.pub()); {
			case cut == 1:
				require.ErrorIs(t, err, errCut)
				require.Equal(t, before, m.state)
			case cut == 2 && right:
				require.ErrorIs(t, err, errCut, "no answer without its effect")
				require.Equal(t, BoundElsewhere, state)
				require.Equal(t, MaxWrongCodes-1, left, "counted before it was compared")
			default:
				require.NoError(t, err)
				require.Equal(t, right, ok)
				require.Equal(t, right, state == BoundToThis)
				require.Equal(t, map[bool]int{false: MaxWrongCodes - 1, true: MaxWrongCodes}[right], left)
			}
		}
	}
}

func TestReset(t *testing.T) {
	e, m := newElement(t)
	h := newHost(1)
	_, _, err := e.Check(h.pub())
	require.NoError(t, err)
	c := code(t, e)
	_, err = e.Verify(h.pub(), h.proof(t, publicKey(e), c))
	require.NoError(t, err)
	cert, key := e.Certificate(), publicKey(e)
	m.state = m.state.AfterReset()
	require.False(t, bound(e))
	require.Equal(t, cert, e.Certificate())
	require.Equal(t, key, publicKey(e))
	state, drew, err := e.Check(h.pub())
	require.NoError(t, err)
	require.True(t, drew)
	require.Equal(t, Unbound, state)
	require.NotEqual(t, c, code(t, e))
}

func TestStateJSON(t *testing.T) {
	e, m := newElement(t)
	h := newHost(1)
	for _, step := range []func(){
		func() {},
		func() { e.Check(h.pub()) },
		func() { e.Verify(h.pub(), h.proof(t, publicKey(e), other(code(t, e)))) },
		func() { e.Verify(h.pub(), h.proof(t, publicKey(e), code(t, e))) },
	} {
		step()
		b, err := json.Marshal(m.state)
		require.NoError(t, err)
		var back State
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, m.state, back)
	}
	good, err := json.Marshal(m.state)
	require.NoError(t, err)
	var fields map[string]any
	for name, value := range map[string]any{
		"seid": "00", "key": hex.EncodeToString(make([]byte, 32)), "certificate": "", "code": "ABCD0000", "app": "04",
		"wrongCodes": 11, "unknown": 1,
	} {
		fields = nil
		require.NoError(t, json.Unmarshal(good, &fields))
		fields[name] = value
		bad, err := json.Marshal(fields)
		require.NoError(t, err)
		require.Error(t, json.Unmarshal(bad, new(State)), name)
	}
	fields = nil
	require.NoError(t, json.Unmarshal(good, &fields))
	fields["key"] = hex.EncodeToString(bytes.Repeat([]byte{5}, 32))
	bad, err := json.Marshal(fields)
	require.NoError(t, err)
	require.ErrorContains(t, json.Unmarshal(bad, new(State)), "another key")
	require.NotContains(t, m.state.String(), string(m.state.Code[:]))
}

func TestSign(t *testing.T) {
	e, _ := newElement(t)
	digest := sha256.Sum256([]byte("key"))
	a, err := e.Sign(digest)
	require.NoError(t, err)
	b, err := e.Sign(digest)
	require.NoError(t, err)
	require.NotEqual(t, a, b, "randomised")
	pub, err := secp256k1.ParsePubKey(publicKey(e))
	require.NoError(t, err)
	for _, der := range [][]byte{a, b} {
		sig, err := decred.ParseDERSignature(der)
		require.NoError(t, err)
		require.True(t, sig.Verify(digest[:], pub))
	}
}

func TestRandomnessFails(t *testing.T) {
	_, m := newElement(t)
	e := Open(m, bytes.NewReader([]byte{1, 2}))
	_, _, err := e.Check(newHost(1).pub())
	require.Error(t, err)
	require.False(t, m.state.HasCode)
	e = Open(m, nil)
	_, drew, err := e.Check(newHost(1).pub())
	require.NoError(t, err)
	require.True(t, drew)
}

func bound(e *Element) bool {
	_, ok := e.AppKey()
	return ok
}

// publicKey is the element's public key, uncompressed.
func publicKey(e *Element) []byte {
	s := e.memory.Load()
	return s.privateKey().PubKey().SerializeUncompressed()
}
