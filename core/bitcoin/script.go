package bitcoin

import (
	"bytes"

	"imkey-connect/core/hdkey"
	"imkey-connect/core/secp256k1"
)

// Type is a kind of script that one key of the wallet can spend.
type Type byte

// The types. The applet knows no others.
const (
	P2PKH      Type = 1 + iota // addresses that begin with 1, m or n
	P2SHP2WPKH                 // P2WPKH in a script hash: 3 or 2
	P2WPKH                     // bc1q or tb1q
	P2TR                       // bc1p or tb1p
)

// Purpose is the first component of the type's paths, without the bit for hardened ones (BIP-44, BIP-49, BIP-84, BIP-86).
func (t Type) Purpose() uint32 {
	switch t {
	case P2PKH:
		return 44
	case P2SHP2WPKH:
		return 49
	case P2WPKH:
		return 84
	}
	return 86
}

// String returns the name of the type, as p2wpkh.
func (t Type) String() string {
	switch t {
	case P2PKH:
		return "p2pkh"
	case P2SHP2WPKH:
		return "p2sh-p2wpkh"
	case P2WPKH:
		return "p2wpkh"
	case P2TR:
		return "p2tr"
	}
	return "other"
}

// ParseType reads what [Type.String] writes. ok is false for other texts.
func ParseType(s string) (t Type, ok bool) {
	for t := P2PKH; t <= P2TR; t++ {
		if t.String() == s {
			return t, true
		}
	}
	return 0, false
}

// The opcodes that this package writes or looks for.
const (
	op0           = 0x00
	opPushData1   = 0x4C
	opPushData2   = 0x4D
	op1           = 0x51
	op16          = 0x60
	opReturn      = 0x6A
	opDup         = 0x76
	opEqual       = 0x87
	opEqualVerify = 0x88
	opHash160     = 0xA9
	opCheckSig    = 0xAC
	opCheckSigAdd = 0xBA
)

// keyHashScript is the script of P2PKH, and the script code of P2WPKH (BIP-143).
func keyHashScript(hash [20]byte) []byte {
	script := append([]byte{opDup, opHash160, 20}, hash[:]...)
	return append(script, opEqualVerify, opCheckSig)
}

func witnessScript(hash [20]byte) []byte { return append([]byte{op0, 20}, hash[:]...) }

func scriptHashScript(redeem []byte) []byte {
	hash := hdkey.Hash160(redeem)
	return append(append([]byte{opHash160, 20}, hash[:]...), opEqual)
}

func taprootScript(x [32]byte) []byte { return append([]byte{op1, 32}, x[:]...) }

// keyHash is HASH160 of the compressed key.
func keyHash(key secp256k1.PublicKey) [20]byte {
	compressed := key.Compressed()
	return hdkey.Hash160(compressed[:])
}

// Script returns the script of a type that the key alone can spend. For P2TR it has no scripts (BIP-86).
func (t Type) Script(key secp256k1.PublicKey) []byte {
	switch t {
	case P2PKH:
		return keyHashScript(keyHash(key))
	case P2SHP2WPKH:
		return scriptHashScript(witnessScript(keyHash(key)))
	case P2WPKH:
		return witnessScript(keyHash(key))
	}
	x, _ := outputKey(key, tweak(key, nil)) // the tweak of a key fails once in 2¹²⁷ times; then no output has the script
	return taprootScript(x)
}

// tweak is the scalar that BIP-341 adds to the internal key: the tagged hash of its x coordinate and the root of the scripts, if any.
func tweak(internal secp256k1.PublicKey, root []byte) [32]byte {
	x := internal.X()
	return secp256k1.TaggedHash("TapTweak", x[:], root)
}

// outputKey returns the x coordinate of the internal key with the tweak. ok is false if there is no such key.
func outputKey(internal secp256k1.PublicKey, tweak [32]byte) (x [32]byte, ok bool) {
	key, ok := internal.EvenY().Tweak(tweak)
	return key.X(), ok
}

// typeOf returns the type of a script, or 0. Any script hash counts as nested, since it does not say what it is of.
func typeOf(script []byte) Type {
	switch n := len(script); {
	case n == 25 && bytes.HasPrefix(script, []byte{opDup, opHash160, 20}) && script[23] == opEqualVerify && script[24] == opCheckSig:
		return P2PKH
	case n == 23 && script[0] == opHash160 && script[1] == 20 && script[22] == opEqual:
		return P2SHP2WPKH
	case n == 22 && script[0] == op0 && script[1] == 20:
		return P2WPKH
	case n == 34 && script[0] == op1 && script[1] == 32:
		return P2TR
	}
	return 0
}

// witnessProgram returns the version and the program of a witness output (BIP-141).
func witnessProgram(script []byte) (version byte, program []byte, ok bool) {
	if len(script) < 4 || len(script) > 42 || int(script[1]) != len(script)-2 {
		return 0, nil, false
	}
	switch c := script[0]; {
	case c == op0:
		return 0, script[2:], len(script) == 22 || len(script) == 34
	case c >= op1 && c <= op16:
		return c - op1 + 1, script[2:], true
	}
	return 0, nil, false
}

// isData reports whether an output is OP_RETURN, which no key can spend.
func isData(script []byte) bool { return len(script) > 0 && script[0] == opReturn }

// push appends the shortest push of up to 75 bytes, or one with its length in one or two bytes.
func push(script, data []byte) []byte {
	switch n := len(data); {
	case n < opPushData1:
		script = append(script, byte(n))
	case n <= 0xFF:
		script = append(script, opPushData1, byte(n))
	default:
		script = append(script, opPushData2, byte(n), byte(n>>8))
	}
	return append(script, data...)
}

// signedBy reports whether a tapscript checks a signature by the key with this x coordinate: the script pushes it before an opcode that
// checks one.
func signedBy(script []byte, x [32]byte) bool {
	for len(script) > 0 {
		op := script[0]
		n, head := 0, 1
		switch {
		case op < opPushData1:
			n = int(op)
		case op == opPushData1 && len(script) > 1:
			n, head = int(script[1]), 2
		case op == opPushData2 && len(script) > 2:
			n, head = int(script[1])|int(script[2])<<8, 3
		case op == opPushData1 || op == opPushData2 || op == opPushData2+1:
			return false // truncated, or more than a push may have
		}
		if len(script) < head+n {
			return false
		}
		data, rest := script[head:head+n], script[head+n:]
		if bytes.Equal(data, x[:]) && len(rest) > 0 && (rest[0] == opCheckSig || rest[0] == opCheckSig+1 || rest[0] == opCheckSigAdd) {
			return true
		}
		script = rest
	}
	return false
}
