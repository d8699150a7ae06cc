package base64

import (
	"bytes"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzBase64 compares the package with the standard library's.
func FuzzBase64(f *testing.F) {
	for _, text := range []string{"", "AA==", "AAA=", "AAAA", "AB==", "A", "AA", "AAA", "AA=A", "A===", "====", "AA\n==", "AA==\r\n", "AA==AAAA", "AAAA=", "AAAAA===", "+/+/", "-_-_", "AA=", "AA=\n=", "AA ==", "cHNidP8="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := base64.StdEncoding.DecodeString(text)
		got, ok := Decode(text)
		require.Equal(t, err == nil, ok, "%q", text)
		if ok {
			require.True(t, bytes.Equal(want, got), "%q", text)
		}
		require.Equal(t, base64.StdEncoding.EncodeToString([]byte(text)), Encode([]byte(text)))
	})
}
