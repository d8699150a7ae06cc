package build

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// instantiated returns the memory of a module after node has instantiated it.
func instantiated(t *testing.T, module []byte) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "module.wasm")
	require.NoError(t, os.WriteFile(file, module, 0o600))
	out, err := exec.CommandContext(t.Context(), "node", "-e", `
		const module = new WebAssembly.Module(require('fs').readFileSync(process.argv[1]))
		const imports = {}
		for (const i of WebAssembly.Module.imports(module)) (imports[i.module] ??= {})[i.name] = () => { throw new Error(i.name) }
		process.stdout.write(Buffer.from(new WebAssembly.Instance(module, imports).exports.mem.buffer))`, file).Output()
	require.NoError(t, err)
	return out
}

func TestPackedTables(t *testing.T) {
	linked := stacks(t)
	cleared, err := joinSegments(linked, func(sections []section, segments []segment) []byte {
		cut, err := cutFrom(sections, segments)
		require.NoError(t, err)
		require.NoError(t, stripTables(segments, cut))
		return nil
	})
	require.NoError(t, err)
	packed, err := Strip(linked)
	require.NoError(t, err)
	require.Less(t, len(packed), len(cleared)*4/5)

	// The memory is as if nothing had been packed, and the program runs.
	require.True(t, bytes.Equal(instantiated(t, cleared), instantiated(t, packed)))
	require.Equal(t, runWASM(t, linked), runWASM(t, packed))

	again, err := Strip(linked)
	require.NoError(t, err)
	require.True(t, bytes.Equal(packed, again), "the same bytes")
	_, err = Strip(packed)
	require.ErrorIs(t, err, errTables, "it is packed")
}

// TestOtherTablesAreNotPacked: packTables changes nothing if it does not know the form.
func TestOtherTablesAreNotPacked(t *testing.T) {
	var good []segment
	_, err := joinSegments(stacks(t), func(_ []section, segments []segment) []byte { good = segments; return nil })
	require.NoError(t, err)
	table, err := findTable(good)
	require.NoError(t, err)
	buckets := findBuckets(good, len(table.structs))
	require.NotEmpty(t, buckets.data)
	funcs := table.at
	third := funcs + table.structs[3]
	for name, change := range map[string]struct {
		at   int
		word uint32
	}{
		"an entry out of order in the index": {funcs + 8*3, 7},
		"an entry out of order in its _func": {third, 7},
		"a _func at another place":           {funcs + 8*3 + 4, uint32(table.structs[4])},
		"a _func that is longer":             {third + funcNData, word(table.funcs[table.structs[3]:], funcNData) + 2},
		"another function in a bucket":       {buckets.at + bucketSize*bucketsPerEntry*5, 4},
		"a function in a part of a bucket":   {buckets.at + bucketSize*bucketsPerEntry*5 + 4, 1},
	} {
		changed := cloneOf(good)
		for _, s := range changed {
			if s.at <= change.at && change.at < s.at+len(s.data) {
				binary.LittleEndian.PutUint32(s.data[change.at-s.at:], change.word)
			}
		}
		before := cloneOf(changed)
		_, err := packTables(changed)
		require.ErrorIs(t, err, errTables, name)
		require.Equal(t, before, changed, name)
	}
	_, err = packTables(append(cloneOf(good), segment{1 << 30, buckets.data}))
	require.ErrorIs(t, err, errTables, "two arrays of buckets")
	_, err = packTables(cloneOf(good))
	require.NoError(t, err)
}

func TestStartIsAddedToAModule(t *testing.T) {
	body := []byte{0, 0x0B}
	good := []section{
		{sectionTypes, []byte{1, 0x60, 0, 0}},
		{sectionImports, []byte{1, 1, 'm', 1, 'f', 0, 0}},
		{sectionFunctions, []byte{1, 0}},
		{9, []byte{0}},
		{sectionCode, []byte{1, 2, 0, 0x0B}},
	}
	clone := func() (all []section) {
		for _, s := range good {
			all = append(all, section{s.id, bytes.Clone(s.content)})
		}
		return all
	}
	got, err := addStart(clone(), body)
	require.NoError(t, err)
	require.Equal(t, []section{
		{sectionTypes, []byte{2, 0x60, 0, 0, 0x60, 0, 0}},
		good[1],
		{sectionFunctions, []byte{2, 0, 1}},
		{sectionStart, []byte{2}}, // after the import and the function
		good[3],
		{sectionCode, []byte{2, 2, 0, 0x0B, 2, 0, 0x0B}},
	}, got)
	_, err = addStart(got, body)
	require.ErrorIs(t, err, errWASM, "it has one")
	for name, content := range map[string][]byte{
		"a memory": {1, 1, 'm', 1, 'f', 2, 0, 1}, "cut in a name": {1, 1, 'm', 9, 'f'}, "cut in a type": {1, 1, 'm', 1, 'f', 0}, "cut in a kind": {1, 1, 'm', 1, 'f'},
	} {
		other := clone()
		other[1].content = content
		_, err = addStart(other, body)
		require.ErrorIs(t, err, errWASM, name)
	}
	_, err = addStart(clone()[:3], body)
	require.ErrorIs(t, err, errWASM, "no code")
}
