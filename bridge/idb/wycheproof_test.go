//go:build js && wasm

package idb_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/bridge/bridgetest"
	"imkey-connect/core/errcode"
	"imkey-connect/core/wycheprooftest"
)

// TestWycheproofGCM changes the tag of a stored record as the invalid vectors of AES-GCM change theirs. The record is refused each
// time.
func TestWycheproofGCM(t *testing.T) {
	d := readDatabase1(t)
	w := d.restore(t)
	s := w.tab()
	ctx := bridgetest.Context(t)
	var seid string
	for seid = range d.Records {
	}
	stored, err := hex.DecodeString(d.Records[seid])
	require.NoError(t, err)
	changed := 0
	for _, g := range wycheprooftest.Load[struct{}, wycheprooftest.Cipher](t, "aes_gcm") {
		for _, v := range g.Tests {
			if v.Valid() || !v.Has("ModifiedTag") || len(v.IV) != 12 {
				continue
			}
			block, err := aes.NewCipher(v.Key)
			require.NoError(t, err)
			gcm, err := cipher.NewGCM(block)
			require.NoError(t, err)
			sealed := gcm.Seal(nil, v.IV, v.Msg, v.AAD)
			tag := sealed[len(v.Msg):]
			require.Len(t, v.Tag, len(tag))
			bad := append([]byte(nil), stored...)
			for i := range tag {
				bad[len(bad)-len(tag)+i] ^= tag[i] ^ v.Tag[i]
			}
			w.put(seid, hex.EncodeToString(bad))
			_, err = s.Get(ctx, seid)
			require.ErrorIs(t, err, errcode.RecordCorrupt, "%d: %s", v.ID, v.Comment)
			changed++
		}
	}
	require.Greater(t, changed, 50)
	t.Logf("%d changed tags refused", changed)
	w.put(seid, d.Records[seid])
	_, err = s.Get(ctx, seid)
	require.NoError(t, err)
}
