package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// forms returns every form in which a secret is searched for: as it is and in lower case, each plain, as UTF-16 of both
// orders, as hex, and as base64 at each of the three alignments. Hex and base64 of the UTF-16 are included, as is a copy
// with something between every two characters, which is how single characters in a list would look.
func forms(secret string) map[string][]byte {
	all := map[string][]byte{}
	for letters, s := range map[string]string{"": strings.ToUpper(secret), "lower-case ": strings.ToLower(secret)} {
		var le, be []byte
		for _, u := range utf16.Encode([]rune(s)) {
			le = append(le, byte(u), byte(u>>8))
			be = append(be, byte(u>>8), byte(u))
		}
		raw := map[string][]byte{letters + "ASCII": []byte(s), letters + "UTF-16LE": le, letters + "UTF-16BE": be}
		for name, b := range raw {
			all[name] = b
			all[name+" in hex"] = []byte(hex.EncodeToString(b))
			all[name+" in HEX"] = []byte(strings.ToUpper(hex.EncodeToString(b)))
			for align := range 3 {
				// The characters that the bytes before and after do not touch.
				enc := base64.StdEncoding.EncodeToString(append(make([]byte, align), b...))
				from, to := []int{0, 2, 3}[align], (align+len(b))*8/6
				all[name+" in base64 at "+string(rune('0'+align))] = []byte(enc[from:to])
				url := base64.URLEncoding.EncodeToString(append(make([]byte, align), b...))
				all[name+" in base64url at "+string(rune('0'+align))] = []byte(url[from:to])
			}
		}
		for _, sep := range []string{" ", ",", "-", `","`, `", "`} {
			all[letters+"separated by "+sep] = []byte(strings.Join(strings.Split(s, ""), sep))
		}
		half := len(s) / 2
		for _, sep := range []string{" ", "-"} {
			all[letters+"in halves with "+sep] = []byte(s[:half] + sep + s[half:])
		}
	}
	return all
}

// search returns the names of the forms of secret that are in data.
func search(secret string, data []byte) []string {
	var found []string
	for name, form := range forms(secret) {
		if bytes.Contains(data, form) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

func TestSearchFindsEveryForm(t *testing.T) {
	t.Parallel()
	const code = "PVU3FY64"
	require.Empty(t, search(code, []byte("nothing to see here, PVU3FY65 and pvu3fy63")))
	for name, form := range forms(code) {
		require.NotEmpty(t, search(code, append(append([]byte("before "), form...), " after"...)), name)
	}
	for _, around := range []string{"", "x", "xy", "xyz"} {
		text := around + `{"code":"` + code + `"}` + around
		require.NotEmpty(t, search(code, []byte(base64.StdEncoding.EncodeToString([]byte(text)))), "base64 of %q", text)
	}
}
