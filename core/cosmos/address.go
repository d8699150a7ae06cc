package cosmos

import (
	"strings"

	"imkey-connect/core/bech32"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/secp256k1"
)

// Account is the part of an address that is the same on every chain: RIPEMD-160(SHA-256(compressed key)).
type Account [20]byte

// DefaultPrefix is the prefix of the Cosmos Hub, the one that the device shows.
const DefaultPrefix = "cosmos"

// AccountOf returns the account of a public key.
func AccountOf(key secp256k1.PublicKey) Account {
	compressed := Compressed(key)
	return hdkey.Hash160(compressed[:])
}

// Compressed returns the 33 bytes of a public key that a transaction has.
func Compressed(key secp256k1.PublicKey) [33]byte { return key.Compressed() }

// Address returns the account's address with a prefix, in bech32 (BIP-173). The prefix is one of [CheckPrefix].
func (a Account) Address(prefix string) string {
	return bech32.Encode(prefix, bech32.FromBytes(a[:]), bech32.Bech32)
}

// ethereumKeys are prefixes of chains whose accounts have the keys of Ethereum (eth_secp256k1, coin type 60). What the account of this
// applet's key gets there could not be spent.
const ethereumKeys = " inj evmos canto dym zeta haqq "

// CheckPrefix returns an error for a prefix that no chain has, and for one of a chain with keys of Ethereum. A prefix is 1 to 20 of a to z
// and 0 to 9, and begins with a letter.
func CheckPrefix(prefix string) error {
	ok := len(prefix) > 0 && len(prefix) <= 20 && prefix[0] >= 'a'
	for _, c := range []byte(prefix) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	}
	if !ok {
		return errcode.Invalid("prefix", "1 to 20 small letters and digits, as cosmos")
	}
	if strings.Contains(ethereumKeys, " "+prefix+" ") {
		return errcode.Invalid("prefix", "of a chain whose accounts have keys of Ethereum")
	}
	return nil
}

// isAddress reports whether a text is an address in small letters: of an account, a validator or a module, on any chain.
func isAddress(s string) bool {
	_, values, v, ok := bech32.Decode(s)
	b, exact := bech32.ToBytes(values)
	lower, _ := bech32.Fold(s)
	return ok && exact && v == bech32.Bech32 && len(b) >= 20 && len(b) <= 32 && s == lower
}

// ParseAddress reads an address of an account. It must be in small letters. ok is false for any other text, and for an address
// that does not have 20 bytes.
func ParseAddress(s string) (prefix string, a Account, ok bool) {
	prefix, values, _, _ := bech32.Decode(s)
	b, _ := bech32.ToBytes(values)
	if !isAddress(s) || len(b) != len(a) || CheckPrefix(prefix) != nil {
		return "", Account{}, false
	}
	return prefix, Account(b), true
}
