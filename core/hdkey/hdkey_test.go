package hdkey_test

import (
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/base58"
	"imkey-connect/core/errcode"
	"imkey-connect/core/hdkey"
	"imkey-connect/core/hdkey/hdkeytest"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
)

func extended(k hdkeytest.Key) hdkey.ExtendedKey {
	return hdkey.ExtendedKey{PublicKey: secp256k1.PublicKey(k.Public()), ChainCode: k.ChainCode}
}

// The test vectors of BIP-32 that derive public keys from public keys.
func TestExtendedKeys(t *testing.T) {
	for _, v := range []struct{ seed, parent, child, parentKey, childKey string }{
		{"000102030405060708090a0b0c0d0e0f", "m/0'", "m/0'/1",
			"xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw",
			"xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ"},
		{"000102030405060708090a0b0c0d0e0f", "m/0'/1/2'/2", "m/0'/1/2'/2/1000000000",
			"xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
			"xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy"},
	} {
		seed, err := hex.DecodeString(v.seed)
		require.NoError(t, err)
		path, err := hdpath.Parse(v.parent)
		require.NoError(t, err)
		above, at := hdkeytest.Master(seed).Derive(path[:len(path)-1]), hdkeytest.Master(seed).Derive(path)
		key := extended(at)
		key.Depth, key.Index, key.Parent = byte(len(path)), path[len(path)-1], extended(above).Fingerprint()
		require.Equal(t, v.parentKey, key.String())
		childPath, err := hdpath.Parse(v.child)
		require.NoError(t, err)
		child, err := key.Child(childPath[len(childPath)-1])
		require.NoError(t, err)
		require.Equal(t, v.childKey, child.String())
		for _, text := range []string{child.String(), child.Testnet()} {
			read, ok := hdkey.Parse(text)
			require.True(t, ok)
			require.Equal(t, child, read)
			_, ok = hdkey.Parse(text[:len(text)-1])
			require.False(t, ok)
		}
	}
	for _, b := range [][]byte{nil, make([]byte, 78), append([]byte("\x04\x88\xB2\x1E"), make([]byte, 74)...)} {
		_, ok := hdkey.Parse(base58.CheckEncode(b))
		require.False(t, ok)
	}
	_, err := hdkey.ExtendedKey{}.Child(hdpath.Hardened)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	_, err = hdkey.ExtendedKey{Depth: 255}.Child(0)
	require.ErrorIs(t, err, errcode.InvalidArgument)
	_, err = hdkey.ExtendedKey{}.Child(0)
	require.ErrorIs(t, err, errcode.InvalidArgument)
}

// Public derivation has the same result as private derivation with the other curve library.
func TestChildren(t *testing.T) {
	for i := range 20 {
		n := hdkeytest.Master([]byte{byte(i)})
		key := extended(n)
		for j := range 4 {
			index := uint32(i * j * 104729)
			child, err := key.Child(index)
			require.NoError(t, err)
			n = n.Derive(hdpath.Path{index})
			require.Equal(t, extended(n).PublicKey, child.PublicKey)
			require.Equal(t, n.ChainCode, child.ChainCode)
			key = child
		}
	}
}
