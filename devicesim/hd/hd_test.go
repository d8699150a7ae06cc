package hd

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/sha3"
)

// derive returns the private key and the chain code, in hex, for a seed in hex and a path.
func derive(t *testing.T, seed, path string) (private, chain string) {
	t.Helper()
	b, err := hex.DecodeString(seed)
	require.NoError(t, err)
	k, err := Master(b)
	require.NoError(t, err)
	if path != "m" {
		p, err := ParsePath(path)
		require.NoError(t, err)
		k, err = k.Derive(p)
		require.NoError(t, err)
	}
	code := k.ChainCode()
	return hex.EncodeToString(k.Private().Serialize()), hex.EncodeToString(code[:])
}

// TestVectors checks test vectors 1 to 3 of BIP-32. Vector 3 is about leading zeros.
func TestVectors(t *testing.T) {
	const (
		one   = "000102030405060708090a0b0c0d0e0f"
		two   = "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542"
		three = "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be"
	)
	for _, v := range []struct{ seed, path, private, chain string }{
		{one, "m", "e8f32e723decf4051aefac8e2c93c9c5b214313817cdb01a1494b917c8436b35", "873dff81c02f525623fd1fe5167eac3a55a049de3d314bb42ee227ffed37d508"},
		{one, "m/0'", "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea", "47fdacbd0f1097043b78c63c20c34ef4ed9a111d980047ad16282c7ae6236141"},
		{one, "m/0'/1", "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368", "2a7857631386ba23dacac34180dd1983734e444fdbf774041578e9b6adb37c19"},
		{one, "m/0'/1/2'/2/1000000000", "471b76e389e528d6de6d816857e012c5455051cad6660850e58372a6c3e6e7c8", "c783e67b921d2beb8f6b389cc646d7263b4145701dadd2161548a8b078e65e9e"},
		{two, "m", "4b03d6fc340455b363f51020ad3ecca4f0850280cf436c70c727923f6db46c3e", "60499f801b896d83179a4374aeb7822aaeaceaa0db1f85ee3e904c4defbd9689"},
		{two, "m/0/2147483647'/1/2147483646'/2", "bb7d39bdb83ecf58f2fd82b6d918341cbef428661ef01ab97c28a4842125ac23", "9452b549be8cea3ecb7a84bec10dcfd94afe4d129ebfd3b3cb58eedf394ed271"},
		{three, "m", "00ddb80b067e0d4993197fe10f2657a844a384589847602d56f0c629c81aae32", "01d28a3e53cffa419ec122c968b3259e16b65076495494d97cae10bbfec3c36f"},
		{three, "m/0'", "491f7a2eebc7b57028e0d3faa0acda02e75c33b03c48fb288c41e2ea44e1daef", "e5fea12a97b927fc9dc3d2cb0d1ea1cf50aa5a1fdc1f933e8906bb38df3377bd"},
	} {
		private, chain := derive(t, v.seed, v.path)
		require.Equal(t, v.private, private, v.path)
		require.Equal(t, v.chain, chain, v.path)
	}
}

// TestMnemonic derives the address of the recorded devices.
func TestMnemonic(t *testing.T) {
	k, err := FromMnemonic("inject kidney empty canal shadow pact comfort wife crush horse wife sketch")
	require.NoError(t, err)
	path, err := ParsePath("m/44'/60'/0'/0/0")
	require.NoError(t, err)
	k, err = k.Derive(path)
	require.NoError(t, err)
	hash := sha3.NewLegacyKeccak256()
	hash.Write(k.PublicKey()[1:])
	require.Equal(t, "6031564e7b2f5cc33737807b2e58daff870b590b", hex.EncodeToString(hash.Sum(nil)[12:]))
	k.Wipe()
	require.Equal(t, Key{}, k)
}

func TestSeedLength(t *testing.T) {
	for _, n := range []int{0, 15, 65} {
		_, err := Master(make([]byte, n))
		require.Error(t, err)
	}
}

func TestParsePath(t *testing.T) {
	path, err := ParsePath("m/44'/60'/0'/0/2147483647")
	require.NoError(t, err)
	require.Equal(t, []uint32{44 | Hardened, 60 | Hardened, Hardened, 0, 1<<31 - 1}, path)
	for _, bad := range []string{
		"", "m", "m/", "/0", "44'/60'", "M/0", "m//0", "m/0/", "m/-1", "m/+1", "m/00", "m/01", "m/0x1", "m/2147483648", "m/0''",
		"m/'", "m/0h", "m/ 0", "m/0 ", "m/0\x00", "m/99999999999999999999", "m" + strings.Repeat("/0", 11),
	} {
		_, err := ParsePath(bad)
		require.ErrorIs(t, err, ErrPath, "%q", bad)
	}
	path, err = ParsePath("m" + strings.Repeat("/0'", 10))
	require.NoError(t, err)
	require.Len(t, path, 10)
}
