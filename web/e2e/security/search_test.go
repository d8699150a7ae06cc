package security

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/e2e/harness"
)

// TestSearchFindsEveryForm checks SearchSecret itself.
func TestSearchFindsEveryForm(t *testing.T) {
	t.Parallel()
	const code = "PVU3FY64"
	require.Empty(t, harness.SearchSecret(code, []byte("nothing to see here, PVU3FY65 and pvu3fy63")))
	for name, form := range harness.SecretForms(code) {
		require.NotEmpty(t, harness.SearchSecret(code, append(append([]byte("before "), form...), " after"...)), name)
	}
	for _, around := range []string{"", "x", "xy", "xyz"} {
		text := around + `{"code":"` + code + `"}` + around
		require.NotEmpty(t, harness.SearchSecret(code, []byte(base64.StdEncoding.EncodeToString([]byte(text)))), "base64 of %q", text)
	}
}
