package bitcoin

import (
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdpath"
)

// CheckPath returns an error for a path that is not one of Bitcoin: m/44', 49', 84' or 86', the coin 0' or 1', an account and what is
// below it.
func CheckPath(p hdpath.Path) error {
	if err := p.Check(); err != nil {
		return err
	}
	if _, ok := networkOf(p); !ok {
		return errcode.Invalid("path", "a path of Bitcoin begins with m/44', m/49', m/84' or m/86', then 0' or 1' and an account such as 0'")
	}
	return nil
}

// networkOf returns the network of a path: Mainnet, or Testnet for all others. ok is false for a path that is not one of Bitcoin.
func networkOf(p hdpath.Path) (n Network, ok bool) {
	if len(p) < 3 || len(p) > hdpath.MaxDepth || p[2]&hdpath.Hardened == 0 {
		return 0, false
	}
	if _, ok := typeOfPath(p); !ok {
		return 0, false
	}
	switch p[1] {
	case 0 | hdpath.Hardened:
		return Mainnet, true
	case 1 | hdpath.Hardened:
		return Testnet, true
	}
	return 0, false
}

// typeOfPath returns the type that the purpose of a path stands for.
func typeOfPath(p hdpath.Path) (Type, bool) {
	for t := P2PKH; t <= P2TR; t++ {
		if len(p) > 0 && p[0] == t.Purpose()|hdpath.Hardened {
			return t, true
		}
	}
	return 0, false
}
