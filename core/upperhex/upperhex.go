// Package upperhex writes bytes as upper-case hex digits, the form of SEIDs and status words.
package upperhex

// String returns two hex digits for each byte.
func String(b ...byte) string {
	const digits = "0123456789ABCDEF"
	s := make([]byte, 0, 2*len(b))
	for _, v := range b {
		s = append(s, digits[v>>4], digits[v&15])
	}
	return string(s)
}
