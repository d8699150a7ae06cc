package ethereum

import "strconv"

// Hardened is the bit of a path's component that an apostrophe stands for.
const Hardened = 1 << 31

// MaxPathDepth is how many components a path may have. The applet's own limit is not publicly known; the text must fit
// a command.
const MaxPathDepth = 10

// Path is a BIP-32 derivation path, in text m/44'/60'/0'/0/0.
type Path []uint32

// ParsePath reads m and 1 to [MaxPathDepth] components, each a number below 2^31 without leading zeros, hardened ones
// followed by an apostrophe or an h. Errors have code invalid-argument.
func ParsePath(s string) (Path, error) {
	if len(s) < 2 || s[:2] != "m/" {
		return nil, invalid("path", "a path begins with m/")
	}
	var p Path
	for rest := s[1:]; rest != ""; {
		if rest[0] != '/' {
			return nil, invalid("path", "a component is a number, hardened ones with an apostrophe")
		}
		rest = rest[1:]
		n, digits := uint64(0), 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' && digits < 11 {
			n = n*10 + uint64(rest[digits]-'0')
			digits++
		}
		if digits == 0 || digits > 1 && rest[0] == '0' {
			return nil, invalid("path", "a component is a number without leading zeros")
		}
		if n >= Hardened {
			return nil, invalid("path", "a component is below 2147483648")
		}
		rest = rest[digits:]
		if rest != "" && (rest[0] == '\'' || rest[0] == 'h' || rest[0] == 'H') {
			n |= Hardened
			rest = rest[1:]
		}
		if p = append(p, uint32(n)); len(p) > MaxPathDepth {
			return nil, invalid("path", "a path has at most 10 components")
		}
	}
	return p, nil
}

// BIP44 is the path of account n as most wallets count, and as imKeys do: m/44'/60'/0'/0/n.
func BIP44(n uint32) Path { return Path{44 | Hardened, 60 | Hardened, Hardened, 0, n} }

// LedgerLive is the path of account n as Ledger Live counts: m/44'/60'/n'/0/0.
func LedgerLive(n uint32) Path { return Path{44 | Hardened, 60 | Hardened, n | Hardened, 0, 0} }

// Legacy is the path of account n as MyEtherWallet and early Ledgers count: m/44'/60'/0'/n.
func Legacy(n uint32) Path { return Path{44 | Hardened, 60 | Hardened, Hardened, n} }

// Child is the path one component further down.
func (p Path) Child(index uint32) Path { return append(p[:len(p):len(p)], index) }

// String writes the path as the applet takes it.
func (p Path) String() string {
	b := []byte{'m'}
	for _, c := range p {
		b = append(b, '/')
		b = strconv.AppendUint(b, uint64(c&^Hardened), 10)
		if c&Hardened != 0 {
			b = append(b, '\'')
		}
	}
	return string(b)
}

// check refuses what [ParsePath] would not have made.
func (p Path) check() error {
	if len(p) == 0 || len(p) > MaxPathDepth {
		return invalid("path", "a path has 1 to 10 components")
	}
	return nil
}
