package build

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

// table returns a table of functions with the names, as the linker writes it.
func table(names string) []byte {
	b := append(bytes.Clone(tableMagic), make([]byte, tableHeader-len(tableMagic))...)
	binary.LittleEndian.PutUint64(b[namesField:], tableHeader)
	binary.LittleEndian.PutUint64(b[namesEndField:], uint64(tableHeader+len(names)))
	return append(append(b, names...), "what follows\x00main.after\x00"...)
}

func TestNamesOfFunctionsAreBlank(t *testing.T) {
	const names = "go:buildid\x00internal/abi.NoEscape\x00runtime.bgsweep\x00runtime.(*mheap).alloc\x00reflect.makeFuncStub\x00" +
		"reflect.methodValueCall\x00reflect.Value.Len\x00main.main\x00imkey-connect/core/binding.New\x00"
	const blank = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "runtime.bgsweep\x00"
	data := append([]byte("before"), table(names)...)
	segments := []segment{{0, []byte("another")}, {100, bytes.Clone(data)}}
	blankNames(segments)
	require.Equal(t, "another", string(segments[0].data))
	got := segments[1].data
	start := len("before") + tableHeader
	require.Equal(t, data[:start], got[:start], "the header")
	require.Equal(t, data[start+len(names):], got[start+len(names):], "what follows the names")
	require.Equal(t, blank, string(got[start:start+len(blank)]))
	require.Equal(t, []string{"runtime.bgsweep", "reflect.makeFuncStub", "reflect.methodValueCall"}, words(got[start:start+len(names)]))
}

// TestAnotherTableOfFunctionsIsUnchanged: a form that is not known is left alone.
func TestAnotherTableOfFunctionsIsUnchanged(t *testing.T) {
	const names = "main.main\x00main.other\x00"
	change := func(field int, value uint64) []byte {
		b := table(names)
		binary.LittleEndian.PutUint64(b[field:], value)
		return b
	}
	good := table(names)
	for name, data := range map[string][]byte{
		"another magic":        append([]byte{0xF0}, good[1:]...),
		"twice":                append(bytes.Clone(good), good...),
		"cut in the header":    good[:tableHeader-1],
		"cut in the names":     good[:tableHeader+5],
		"names elsewhere":      change(namesField, tableHeader+1),
		"names end at once":    change(namesEndField, tableHeader),
		"names end in a name":  change(namesEndField, uint64(tableHeader+len(names)-3)),
		"names end far beyond": change(namesEndField, 1<<63),
	} {
		segments := []segment{{0, bytes.Clone(data)}}
		blankNames(segments)
		require.Equal(t, data, segments[0].data, name)
	}
	segments := []segment{{0, good}}
	blankNames(segments)
	require.Empty(t, words(segments[0].data[tableHeader:tableHeader+len(names)]))
}

func words(b []byte) (all []string) {
	for _, word := range bytes.Split(b, []byte{0}) {
		if len(word) > 0 {
			all = append(all, string(word))
		}
	}
	return all
}
