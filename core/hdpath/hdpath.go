// Package hdpath reads and writes derivation paths of hierarchical deterministic wallets (BIP-32), such as
// m/44'/60'/0'/0/0.
package hdpath

import (
	"strconv"

	"imkey-connect/core/errcode"
)

// Hardened is the bit that marks a hardened component. In text an apostrophe stands for it.
const Hardened = 1 << 31

// MaxDepth is the largest number of components of a path. The applets' own limit is not publicly known; the text must
// fit one command.
const MaxDepth = 10

// Path is a derivation path. Each element is one component: an index from 0 to 2³¹−1, plus [Hardened] for a hardened one.
type Path []uint32

// Parse reads "m" and 1 to [MaxDepth] components. Each component is a slash and a decimal number below 2³¹ without leading
// zeros; an apostrophe, h or H after the number marks it as hardened. Errors have code invalid-argument at "path".
func Parse(s string) (Path, error) {
	if len(s) < 2 || s[:2] != "m/" {
		return nil, invalid("a path begins with m/")
	}
	var p Path
	for rest := s[1:]; rest != ""; {
		if rest[0] != '/' {
			return nil, invalid("a component is a number, hardened ones with an apostrophe")
		}
		rest = rest[1:]
		n, digits := uint64(0), 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' && digits < 11 {
			n = n*10 + uint64(rest[digits]-'0')
			digits++
		}
		if digits == 0 || digits > 1 && rest[0] == '0' {
			return nil, invalid("a component is a number without leading zeros")
		}
		if n >= Hardened {
			return nil, invalid("a component is below 2147483648")
		}
		rest = rest[digits:]
		if rest != "" && (rest[0] == '\'' || rest[0] == 'h' || rest[0] == 'H') {
			n |= Hardened
			rest = rest[1:]
		}
		if p = append(p, uint32(n)); len(p) > MaxDepth {
			return nil, invalid("a path has at most 10 components")
		}
	}
	return p, nil
}

// CheckCoin returns an error with code invalid-argument at "path" for a path that [Path.Check] refuses, or that does not begin with
// m/44'/coin'. Applets sign with any key, so a path of another coin would let a site use the key of that coin.
func (p Path) CheckCoin(coin uint32, name string) error {
	if err := p.Check(); err != nil {
		return err
	}
	if len(p) < 2 || p[0] != 44|Hardened || p[1] != coin|Hardened {
		return invalid("a path of " + name + " begins with m/44'/" + strconv.FormatUint(uint64(coin), 10) + "'")
	}
	return nil
}

// BIP44 returns m/44'/coin'/account'/change/index, the layout of BIP-44. The coin types are those of SLIP-44.
func BIP44(coin, account, change, index uint32) Path {
	return Path{44 | Hardened, coin | Hardened, account | Hardened, change, index}
}

// Child returns the path with one more component. It shares no memory with p.
func (p Path) Child(index uint32) Path { return append(p[:len(p):len(p)], index) }

// String writes the path as applets take it, with an apostrophe after each hardened component.
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

// Check returns an error with code invalid-argument for a path that [Parse] cannot return: an empty or too long one.
func (p Path) Check() error {
	if len(p) == 0 || len(p) > MaxDepth {
		return invalid("a path has 1 to 10 components")
	}
	return nil
}

func invalid(reason string) error { return errcode.Invalid("path", reason) }
