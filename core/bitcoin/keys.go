package bitcoin

import (
	"context"

	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/signing"
)

// lookAhead is how many addresses of an account are compared with an input that says no path, each for receiving and for change. It is
// the gap limit of BIP-44.
const lookAhead = 20

// maxAccounts is the largest number of accounts whose keys one PSBT makes the device compute. Other signers of shared inputs have
// accounts, too.
const maxAccounts = 300

// keys computes the wallet's keys during one operation. The device gives the key at the last hardened component of a path, and its secure
// element signs it. The keys below follow from it.
type keys struct {
	s       *signing.Session // nil without a device: then the keys of known are all that there are
	known   map[string]hdkey.ExtendedKey
	scripts map[Type]map[string]hdpath.Path
	asked   int
}

func (k *keys) at(ctx context.Context, p hdpath.Path) (hdkey.ExtendedKey, error) {
	if key, ok := k.known[p.String()]; ok {
		return key, nil
	}
	n := len(p)
	for n > 0 && p[n-1]&hdpath.Hardened == 0 {
		n--
	}
	var key hdkey.ExtendedKey
	var err error
	if n == len(p) {
		if k.s == nil {
			return key, errcode.Invalid("path", "a key that is not known")
		}
		if k.asked++; k.asked > maxAccounts {
			return key, refuse(place, TooLarge, "keys of more than 300 accounts")
		}
		key, err = extendedKey(ctx, k.s, p)
	} else {
		var parent hdkey.ExtendedKey
		if parent, err = k.at(ctx, p[:len(p)-1]); err == nil {
			key, err = parent.Child(p[len(p)-1])
		}
	}
	if err != nil {
		return key, err
	}
	if k.known == nil {
		k.known = map[string]hdkey.ExtendedKey{}
	}
	k.known[p.String()] = key
	return key, nil
}

// lookUp returns the scripts of a type at paths, and at the first addresses of those that are an account's.
func (k *keys) lookUp(ctx context.Context, t Type, accounts []hdpath.Path) (map[string]hdpath.Path, error) {
	if found, ok := k.scripts[t]; ok {
		return found, nil
	}
	found := map[string]hdpath.Path{}
	for _, account := range accounts {
		paths := []hdpath.Path{account}
		if len(account) == 3 {
			paths = paths[:0]
			for i := range uint32(lookAhead) {
				paths = append(paths, account.Child(0).Child(i), account.Child(1).Child(i))
			}
		}
		for _, p := range paths {
			key, err := k.at(ctx, p)
			if k.s == nil && err != nil {
				break // its account is not known
			}
			if err != nil {
				return nil, err
			}
			found[string(t.Script(key.PublicKey))] = p
		}
	}
	if k.scripts == nil {
		k.scripts = map[Type]map[string]hdpath.Path{}
	}
	k.scripts[t] = found
	return found, nil
}
