package web_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
)

// TestErrorCodesAreDeclared checks that imkey.d.ts declares and describes the error codes of core.
func TestErrorCodesAreDeclared(t *testing.T) {
	source, err := os.ReadFile("sdk/types/imkey.d.ts")
	require.NoError(t, err)
	union := regexp.MustCompile(`(?s)/\*\*(.*?)\*/\nexport type ErrorCode =\n((?:  \| '[a-z-]+'\n)+)`).FindSubmatch(source)
	require.NotNil(t, union, "the union ErrorCode with its comment")

	var declared []errcode.Code
	for _, m := range regexp.MustCompile(`'([a-z-]+)'`).FindAllSubmatch(union[2], -1) {
		declared = append(declared, errcode.Code(m[1]))
	}
	require.Equal(t, errcode.All(), declared)
	for _, code := range declared {
		require.Regexp(t, "\n \\* - (?:`[a-z-]+`, )*`"+string(code)+"`(?:, `[a-z-]+`)*: ", string(union[1]), "what it means")
	}
}
