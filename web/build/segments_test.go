package build

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// memory returns the memory that the data section of a module makes, and the number of segments.
func memory(t *testing.T, module []byte) (contents []byte, segments int) {
	sections, err := splitSections(module)
	require.NoError(t, err)
	for _, s := range sections {
		if s.id != sectionData {
			continue
		}
		all, err := readSegments(s.content)
		require.NoError(t, err)
		for _, g := range all {
			contents = append(contents, make([]byte, max(0, g.at+len(g.data)-len(contents)))...)
			copy(contents[g.at:], g.data)
		}
		segments = len(all)
	}
	return contents, segments
}

func moduleOf(segments []segment) []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	code := bytes.Repeat([]byte{0x0A}, 200)
	out = appendUnsigned(append(out, 10), len(code))
	out = append(out, code...)
	data := writeSegments(segments)
	out = appendUnsigned(append(out, sectionData), len(data))
	return append(out, data...)
}

func TestJoinedSegmentsMakeTheSameMemory(t *testing.T) {
	var scattered []segment
	at := 63 // the addresses cross every length of a LEB128
	for n := range 3000 {
		data := bytes.Repeat([]byte{byte(n), 1}, n%9+1)
		scattered = append(scattered, segment{at, data})
		at += len(data) + n%40
		if n%500 == 499 {
			at += gap + n
		}
	}
	// The linker does not write segments in order.
	scattered = append(scattered[1000:], scattered[:1000]...)
	before := moduleOf(scattered)
	after, err := joinSegments(before, unchanged)
	require.NoError(t, err)
	want, many := memory(t, before)
	got, few := memory(t, after)
	require.Equal(t, want, got)
	require.Equal(t, 3000, many)
	require.Equal(t, 6, few)
	again, err := joinSegments(after, unchanged)
	require.NoError(t, err)
	require.Equal(t, after, again)
	// The rest of the module is unchanged.
	require.Equal(t, before[:8+3+200], after[:8+3+200])
}

func TestOtherModulesAreRejected(t *testing.T) {
	good := moduleOf([]segment{{100, []byte("abc")}, {200, []byte("def")}})
	_, err := joinSegments(good, unchanged)
	require.NoError(t, err)
	for n := range len(good) {
		if n == 8 || n == 8+3+200 {
			continue // only whole sections are missing, so it is still a module
		}
		_, err := joinSegments(good[:n], unchanged)
		require.ErrorIs(t, err, errWASM, "cut at %d", n)
	}
	_, err = joinSegments(moduleOf([]segment{{100, []byte("abc")}, {102, []byte("d")}}), unchanged)
	require.ErrorIs(t, err, errWASM, "overlapping")
	passive := bytes.Replace(good, []byte{0x00, 0x41}, []byte{0x01, 0x41}, 1)
	_, err = joinSegments(passive, unchanged)
	require.ErrorIs(t, err, errWASM)
	_, err = joinSegments(append(bytes.Clone(good), sectionDataCount, 1, 2), unchanged)
	require.ErrorIs(t, err, errWASM)
}

func unchanged([]section, []segment) []byte { return nil }
