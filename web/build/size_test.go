package build_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/build"
)

// The download budgets, in bytes after brotli. A user on a slow line waits for these files.
const (
	mostSDK          = 10_000  // imkey.js, which a dApp loads with its page
	mostFirstPairing = 720_000 // all that a first pairing downloads
	// What the coins add to imkey-coins.wasm, which the first call for one downloads. Alone, TRON adds 18,000, Cosmos 24,700 and Bitcoin 53,000;
	// they share 7,600. Of 260,000 bytes of Bitcoin's code, 184,000 are core/bitcoin, in 110 functions of at most 5,700: two versions of PSBT,
	// four kinds of outputs with three ways to sign, and messages of BIP-137 and BIP-322. 45,000 read options and make results, and 31,000 are
	// Schnorr signatures, the codecs of addresses and extended keys. No part of it is large.
	mostCoins = 90_000
)

// TestDownloadsStaySmall builds this repository. It uses the compressed copies in web/dist for unchanged files.
func TestDownloadsStaySmall(t *testing.T) {
	m, err := build.Site(t.Context(), build.Options{Module: "../..", Out: filepath.Join(t.TempDir(), "dist"), Reuse: "../dist"})
	require.NoError(t, err)
	total := 0
	for _, name := range m.FirstPairing {
		t.Logf("%7d %s", m.Files[name].Brotli.Size, name)
		total += m.Files[name].Brotli.Size
	}
	sdk := m.Files["imkey.js"].Brotli.Size
	t.Logf("imkey.js: %d bytes brotli, at most %d", sdk, mostSDK)
	t.Logf("firstPairing: %d bytes brotli, at most %d", total, mostFirstPairing)
	require.LessOrEqual(t, sdk, mostSDK)
	require.LessOrEqual(t, total, mostFirstPairing)

	coins := m.Files["imkey-coins.wasm"].Brotli.Size - m.Files["imkey.wasm"].Brotli.Size
	t.Logf("imkey-coins.wasm: %d bytes brotli, %d more than imkey.wasm, at most %d", m.Files["imkey-coins.wasm"].Brotli.Size, coins, mostCoins)
	require.Positive(t, coins)
	require.LessOrEqual(t, coins, mostCoins)

	// These files are in the sum.
	require.Contains(t, m.FirstPairing, "index.html")
	require.Contains(t, m.FirstPairing, "imkey.js")
	require.Contains(t, m.FirstPairing, "imkey.wasm")
	require.Contains(t, strings.Join(m.FirstPairing, " "), "assets/loader-")
	// These files are loaded later, and are not.
	all := strings.Join(slices.Collect(maps.Keys(m.Files)), " ")
	for _, later := range []string{"engine", "client", "backup", "dialog", "management", "exceptional"} {
		require.Contains(t, all, "assets/"+later+"-")
		require.NotContains(t, strings.Join(m.FirstPairing, " "), "assets/"+later+"-")
	}
	require.NotContains(t, m.FirstPairing, "imkey-coins.wasm")
}
