package ethereum

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A page warns, before and after, of the messages that the screen has no letters for.
func TestBlindMessages(t *testing.T) {
	hosted(t, func(t *testing.T, d *imkey) {
		for message, blind := range map[string]bool{
			"": false, "hello": false, " ~": false, "two\nlines\n": false,
			"\x1f": true, "\x7f": true, "a\tb": true, "a\r\nb": true, "\x00\xff\x01": true, "ζ": true, "hello\u202e": true, "ok\x00": true,
		} {
			require.Equal(t, blind, BlindMessage([]byte(message)), "%q", message)
			got, err := d.SignMessage(t.Context(), Signer{Path: BIP44(0)}, []byte(message))
			require.NoError(t, err)
			require.Equal(t, blind, got.Blind, "%q", message)
		}
	})
}
