//go:build js && wasm

package records

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/binding"
)

// Every state of a record has one of the words in imkey.d.ts.
func TestStatesOfAKnownDevice(t *testing.T) {
	declared, err := os.ReadFile("../../web/sdk/types/imkey.d.ts")
	require.NoError(t, err)
	union := regexp.MustCompile(`readonly state: ('bound'[^\n]*)`).FindSubmatch(declared)
	require.NotNil(t, union)
	var words []string
	for _, word := range strings.Split(string(union[1]), "|") {
		words = append(words, strings.Trim(word, " '"))
	}
	var said []string
	for state, want := range map[binding.State]string{
		binding.Pending: "unfinished", binding.VerifySent: "unfinished", binding.Bound: "bound",
		binding.Imported: "imported", binding.Former: "former",
	} {
		got := KnownDevice(binding.Known{SEID: seid, Readable: true, State: state})["state"]
		require.Equal(t, want, got, state)
		if state != binding.Pending {
			said = append(said, want)
		}
	}
	require.Equal(t, "unreadable", KnownDevice(binding.Known{SEID: seid})["state"])
	require.ElementsMatch(t, words, append(said, "unreadable"))
}
