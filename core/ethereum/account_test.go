package ethereum

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/hdpath"
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
	for want, p := range map[string]hdpath.Path{
		"m/44'/60'/0'/0/0": BIP44(0), "m/44'/60'/0'/0/7": BIP44(7), "m/44'/60'/7'/0/0": LedgerLive(7), "m/44'/60'/0'/7": Legacy(7),
	} {
		require.Equal(t, want, p.String())
	}
}
