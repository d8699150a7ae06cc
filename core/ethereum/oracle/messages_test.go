package oracle

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/ethereum"
)

// TestMessagesOfPersonalSign checks the fixture of the provider's tests: it is what eth-sig-util makes of the messages, and this module
// gives the same signatures for the bytes that it names.
func TestMessagesOfPersonalSign(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "node", "messages.mjs")
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	require.NoError(t, err, "run `make testcases`: %s", failure.String())
	fixture, err := os.ReadFile("../../../web/sdk/testdata/messages.json")
	require.NoError(t, err)
	require.Equal(t, string(fixture), string(out), "run `node messages.mjs > ../../../web/sdk/testdata/messages.json`")

	var f struct {
		Address string
		Cases   []struct{ Message, Bytes, Signature string }
	}
	require.NoError(t, json.Unmarshal(out, &f))
	require.NotEmpty(t, f.Cases)
	private := "0x" + strings.Repeat("07", 32)
	for _, c := range f.Cases {
		s := sign(t, private, ethereum.HashMessage(unhex(t, c.Bytes)))
		raw := append(append(append([]byte{}, s.R[:]...), s.S[:]...), 27+s.YParity)
		require.Equal(t, unhex(t, c.Signature), raw, "%q", c.Message)
	}
}
