package bitcoin

import (
	"strings"

	"imkey-connect/core/base58"
	"imkey-connect/core/bech32"
	"imkey-connect/core/errcode"
	"imkey-connect/core/secp256k1"
)

// Network is a network whose addresses this package knows.
type Network byte

// The networks. Testnet stands for all that have the addresses of testnet, signet included. Regtest differs in bech32 only.
const (
	Mainnet Network = 1 + iota
	Testnet
	Regtest
)

// prefixes are the first bytes in base 58 and the prefix in bech32.
type prefixes struct {
	name                string
	keyHash, scriptHash byte
	bech32              string
}

func (n Network) prefixes() prefixes {
	switch n {
	case Mainnet:
		return prefixes{"mainnet", 0x00, 0x05, "bc"}
	case Regtest:
		return prefixes{"regtest", 0x6F, 0xC4, "bcrt"}
	}
	return prefixes{"testnet", 0x6F, 0xC4, "tb"}
}

// String returns the name of the network: mainnet, testnet or regtest.
func (n Network) String() string { return n.prefixes().name }

// ParseNetwork reads what [Network.String] writes, and signet as testnet. ok is false for other texts.
func ParseNetwork(s string) (n Network, ok bool) {
	switch s {
	case "mainnet":
		return Mainnet, true
	case "testnet", "signet":
		return Testnet, true
	case "regtest":
		return Regtest, true
	}
	return 0, false
}

// coinType is the second component of the network's paths (SLIP-44).
func (n Network) coinType() uint32 {
	if n == Mainnet {
		return 0
	}
	return 1
}

// Address returns the address of a type that belongs to the key alone.
func (n Network) Address(t Type, key secp256k1.PublicKey) string {
	text, _ := n.AddressOf(t.Script(key))
	return text
}

// AddressOf returns the address of a script. ok is false for a script without one.
func (n Network) AddressOf(script []byte) (text string, ok bool) {
	p := n.prefixes()
	switch typeOf(script) {
	case P2PKH:
		return base58.CheckEncode(append([]byte{p.keyHash}, script[3:23]...)), true
	case P2SHP2WPKH:
		return base58.CheckEncode(append([]byte{p.scriptHash}, script[2:22]...)), true
	}
	version, program, ok := witnessProgram(script)
	if !ok {
		return "", false
	}
	variant := bech32.Bech32m
	if version == 0 {
		variant = bech32.Bech32
	}
	return bech32.Encode(p.bech32, append([]byte{version}, bech32.FromBytes(program)...), variant), true
}

// version is the byte by which the applet knows how an output's address is written: the first byte in base 58, or the first letter in
// bech32. An output without an address has that of the network's P2PKH.
func (n Network) version(script []byte) byte {
	p := n.prefixes()
	if typeOf(script) == P2SHP2WPKH {
		return p.scriptHash
	}
	if _, _, ok := witnessProgram(script); ok {
		return p.bech32[0]
	}
	return p.keyHash
}

// ParseAddress returns the script of an address. Errors have code invalid-argument at "address". An address of another network has the
// reason [OtherNetwork].
func (n Network) ParseAddress(text string) ([]byte, error) {
	script, ok := n.parse(text)
	if ok {
		return script, nil
	}
	for _, other := range []Network{Mainnet, Testnet, Regtest} {
		if _, ok := other.parse(text); ok {
			return nil, refuse("address", OtherNetwork, "an address of "+other.String()+", not of "+n.String())
		}
	}
	if lower, mixed := bech32.Fold(text); mixed && strings.HasPrefix(lower, n.prefixes().bech32+"1") {
		return nil, errcode.Invalid("address", "an address in bech32 with small and capital letters, of which it may have one kind only")
	}
	return nil, errcode.Invalid("address", "not an address of Bitcoin")
}

func (n Network) parse(text string) ([]byte, bool) {
	p := n.prefixes()
	if b, ok := base58.CheckDecode(text); ok {
		if len(b) != 21 {
			return nil, false
		}
		switch hash := [20]byte(b[1:]); b[0] {
		case p.keyHash:
			return keyHashScript(hash), true
		case p.scriptHash:
			return append(append([]byte{opHash160, 20}, hash[:]...), opEqual), true
		}
		return nil, false
	}
	prefix, values, variant, ok := bech32.Decode(text)
	if !ok || prefix != p.bech32 || len(values) == 0 || values[0] > 16 || (values[0] == 0) != (variant == bech32.Bech32) {
		return nil, false
	}
	program, ok := bech32.ToBytes(values[1:])
	if !ok || len(program) > 40 {
		return nil, false
	}
	op := values[0]
	if op > 0 {
		op += op1 - 1
	}
	script := append([]byte{op, byte(len(program))}, program...)
	_, _, ok = witnessProgram(script)
	return script, ok
}
