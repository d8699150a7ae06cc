package ethereum

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tyler-smith/go-bip39"
)

func TestAddressChecksums(t *testing.T) {
	// The examples of EIP-55.
	for _, s := range []string{
		"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
		"0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
		"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
		"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
	} {
		for _, text := range []string{s, "0x" + strings.ToLower(s[2:]), "0x" + strings.ToUpper(s[2:])} {
			a, err := ParseAddress(text)
			require.NoError(t, err)
			require.Equal(t, s, a.String())
		}
		// One letter's case wrong is enough.
		for i := 2; i < len(s); i++ {
			b := []byte(s)
			if b[i] |= 0x20; b[i] == s[i] {
				b[i] &^= 0x20
			}
			if s[i] >= 'A' && strings.ToLower(s[2:]) != s[2:] && strings.ToUpper(s[2:]) != s[2:] {
				_, err := ParseAddress(string(b))
				requireInvalid(t, "address", err)
			}
		}
	}
	for _, s := range []string{"", "0x", "52908400098527886E0F7030069857D2E4169EE7", "0X52908400098527886E0F7030069857D2E4169EE7",
		"0x52908400098527886E0F7030069857D2E4169EE", "0x52908400098527886E0F7030069857D2E4169EE77", "0x52908400098527886E0F7030069857D2E4169EEg",
		" 0x52908400098527886E0F7030069857D2E4169EE7", "0x52908400098527886E0F7030069857D2E4169E\x00E", "0x5290840009852788\u00e96E0F7030069857D2E4169EE"} {
		_, err := ParseAddress(s)
		requireInvalid(t, "address", err)
	}
}

func TestPaths(t *testing.T) {
	for want, p := range map[string]Path{
		"m/44'/60'/0'/0/0": BIP44(0), "m/44'/60'/0'/0/7": BIP44(7), "m/44'/60'/7'/0/0": LedgerLive(7), "m/44'/60'/0'/7": Legacy(7),
		"m/0": {0}, "m/2147483647'/2147483647": {0xFFFFFFFF, 0x7FFFFFFF}, "m/44'/60'/0'/0/0/1": BIP44(0).Child(1),
	} {
		require.Equal(t, want, p.String())
		got, err := ParsePath(want)
		require.NoError(t, err)
		require.Equal(t, p, got)
		got, err = ParsePath(strings.ReplaceAll(want, "'", "h"))
		require.NoError(t, err)
		require.Equal(t, p, got)
	}
	for _, s := range []string{"", "m", "m/", "M/0", "44'/60'", "/44'", "m//0", "m/0/", "m/00", "m/01", "m/2147483648", "m/4294967296", "m/99999999999999999999",
		"m/-1", "m/+1", "m/a", "m/0x1", "m/0''", "m/0'h", "m/'", "m/0 ", " m/0", "m/0'/", "m/1.0", "m/0\x00", "m" + strings.Repeat("/0", 11)} {
		_, err := ParsePath(s)
		requireInvalid(t, "path", err)
	}
	// Children of one path do not share memory.
	p := must(ParsePath("m/1/2/3"))
	a, b := p.Child(4), p.Child(5)
	require.Equal(t, "m/1/2/3/4 m/1/2/3/5", a.String()+" "+b.String())
}

func FuzzPath(f *testing.F) {
	f.Add("m/44'/60'/0'/0/0")
	f.Add("m/2147483647h/0")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			requireInvalid(t, "path", err)
			return
		}
		require.Equal(t, strings.NewReplacer("h", "'", "H", "'").Replace(s), p.String())
		require.LessOrEqual(t, len(p.String()), 255)
	})
}

// The test vectors of BIP-32 that go down public keys.
func TestExtendedKeys(t *testing.T) {
	for _, v := range []struct{ seed, parent, child, parentKey, childKey string }{
		{"000102030405060708090a0b0c0d0e0f", "m/0'", "m/0'/1",
			"xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw",
			"xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ"},
		{"000102030405060708090a0b0c0d0e0f", "m/0'/1/2'/2", "m/0'/1/2'/2/1000000000",
			"xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
			"xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy"},
	} {
		seed := unhex(t, v.seed)
		path := must(ParsePath(v.parent))
		parentPath := path[:len(path)-1]
		above, at := master(seed).derive(parentPath), master(seed).derive(path)
		key := ExtendedKey{PublicKey: at.public(), ChainCode: at.chain, Depth: byte(len(path)), Index: path[len(path)-1],
			Parent: ExtendedKey{PublicKey: above.public()}.Fingerprint()}
		require.Equal(t, v.parentKey, key.String())
		childPath := must(ParsePath(v.child))
		child, err := key.Child(childPath[len(childPath)-1])
		require.NoError(t, err)
		require.Equal(t, v.childKey, child.String())
	}
	_, err := ExtendedKey{}.Child(Hardened)
	requireInvalid(t, "path", err)
	_, err = ExtendedKey{Depth: 255}.Child(0)
	requireInvalid(t, "path", err)
	_, err = ExtendedKey{}.Child(0)
	requireInvalid(t, "path", err)
}

// Public derivation gives what private derivation gives, on the other curve library.
func TestChildren(t *testing.T) {
	for i := range 20 {
		n := master(bip39.NewSeed(vectors.TestWallet.Mnemonic, strings.Repeat("x", i)))
		key := ExtendedKey{PublicKey: n.public(), ChainCode: n.chain}
		for j := range 4 {
			index := uint32(i * j * 104729)
			child, err := key.Child(index)
			require.NoError(t, err)
			n = n.derive(Path{index})
			require.Equal(t, n.public(), child.PublicKey)
			require.Equal(t, hex.EncodeToString(n.chain[:]), hex.EncodeToString(child.ChainCode[:]))
			key = child
		}
	}
}
