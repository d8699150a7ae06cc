package build

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// stacks compiles testdata/stacks as Go's linker writes it.
func stacks(t *testing.T) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "stacks.wasm")
	_, err := goTool(t.Context(), "", append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0"),
		"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./testdata/stacks")
	require.NoError(t, err)
	linked, err := os.ReadFile(out)
	require.NoError(t, err)
	return linked
}

// runWASM runs a module under node, and returns what it writes.
func runWASM(t *testing.T, module []byte) string {
	t.Helper()
	out, status := endWASM(t, module)
	require.Zero(t, status, out)
	return out
}

// endWASM runs a module under node, and returns what it writes and the code with which it exits.
func endWASM(t *testing.T, module []byte, arguments ...string) (string, int) {
	t.Helper()
	root, err := goTool(t.Context(), "", os.Environ(), "env", "GOROOT")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "module.wasm")
	require.NoError(t, os.WriteFile(file, module, 0o600))
	cmd := exec.CommandContext(t.Context(), filepath.Join(string(bytes.TrimSpace([]byte(root))), "lib", "wasm", "go_js_wasm_exec"), append([]string{file}, arguments...)...)
	out, err := cmd.CombinedOutput()
	require.True(t, err == nil || errors.As(err, new(*exec.ExitError)), err)
	return string(out), cmd.ProcessState.ExitCode()
}

func TestStrippedTables(t *testing.T) {
	linked := stacks(t)
	var before, after []segment
	stripped, err := joinSegments(linked, func(_ []section, segments []segment) []byte {
		before = cloneOf(segments)
		require.NoError(t, stripTables(segments, nil))
		after = segments
		return nil
	})
	require.NoError(t, err)

	// It grows stacks, collects garbage, panics and recovers as before.
	said := runWASM(t, linked)
	require.Contains(t, said, "goroutines 2\n")
	require.Equal(t, said, runWASM(t, stripped))

	// What only stack traces need is gone.
	require.Less(t, packed(t, after), packed(t, before)*9/10)
	table, err := findTable(after)
	require.NoError(t, err, "the layout is as before")
	for _, at := range table.structs {
		f := table.funcs[at:]
		require.Zero(t, word(f, funcFile)|word(f, funcLine)|word(f, funcUnit)|word(f, funcStart))
		n := int(word(f, funcNData))
		for _, i := range []int{0, 3} {
			require.True(t, i >= n || word(f, funcSize+4*i) == 0)
		}
		for _, i := range []int{5, 6, 7} {
			require.True(t, i >= int(f[funcNFuncdata]) || word(f, funcSize+4*(n+i)) == math.MaxUint32)
		}
	}
	require.Empty(t, bytes.Trim(table.files, "\x00"))
	var kept []string
	for _, name := range bytes.Split(table.names, []byte{0}) {
		if len(name) > 0 {
			kept = append(kept, string(name))
		}
	}
	require.Len(t, kept, 3, "one name for the runtime, and the stubs of reflect: %s", kept)

	// Stripping again changes nothing.
	again := cloneOf(after)
	require.NoError(t, stripTables(again, nil))
	require.Equal(t, after, again)
}

// TestOtherTablesAreRefused: stripTables changes nothing if it does not know the form.
func TestOtherTablesAreRefused(t *testing.T) {
	var good []segment
	_, err := joinSegments(stacks(t), func(_ []section, segments []segment) []byte { good = segments; return nil })
	require.NoError(t, err)
	which, at := -1, -1
	for i, s := range good {
		if n := bytes.Index(s.data, tableMagic); n >= 0 {
			which, at = i, n
		}
	}
	require.GreaterOrEqual(t, which, 0)
	header := good[which].data[at:]
	part := func(n int) int { return int(binary.LittleEndian.Uint64(header[8+8*n:])) }
	funcs, names, programs := at+part(7), part(3), at+part(6)
	first := funcs + int(word(good[which].data, funcs+4)) // the first _func

	endOfNames := part(3) + 1
	for header[endOfNames-1] == 0 {
		endOfNames++
	}
	set64 := func(offset int, value uint64) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint64(b[offset:], value); return b }
	}
	set32 := func(offset int, value uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[offset:], value); return b }
	}
	for name, change := range map[string]func(b []byte) []byte{
		"no table":                    func(b []byte) []byte { b[at] ^= 1; return b },
		"two tables":                  func(b []byte) []byte { return append(b, tableMagic...) },
		"cut in the header":           func(b []byte) []byte { return b[:at+tableHeader-1] },
		"cut in the functions":        func(b []byte) []byte { return b[:first+8] },
		"no functions":                set64(at+8, 0),
		"too many functions":          set64(at+8, 1<<40),
		"names elsewhere":             set64(at+8+3*8, uint64(names)+1),
		"names without an end":        set64(at+8+4*8, uint64(endOfNames)),
		"files before names":          set64(at+8+5*8, 1),
		"programs after functions":    set64(at+8+6*8, uint64(part(7)+1)),
		"functions far away":          set64(at+8+7*8, 1<<62),
		"a function inside the index": set32(funcs+4, 8),
		"a function at an odd place":  set32(funcs+4, word(good[which].data, funcs+4)+1),
		"a function after the end":    set32(funcs+4, 1<<31),
		"a name after the end":        set32(first+funcName, 1<<30),
		"too many pcdata":             set32(first+funcNData, 17),
		"funcdata after the end":      func(b []byte) []byte { return b[:first+funcSize] },
		"a program after the end":     set32(first+funcPCSP, 1<<30),
		"a program without an end":    func(b []byte) []byte { copy(b[programs:funcs], bytes.Repeat([]byte{0xFF}, funcs-programs)); return b },
	} {
		changed := cloneOf(good)
		changed[which].data = change(changed[which].data)
		before := cloneOf(changed)
		require.ErrorIs(t, stripTables(changed, nil), errTables, name)
		require.Equal(t, before, changed, name)
	}
	require.NoError(t, stripTables(cloneOf(good), nil))
	require.ErrorIs(t, stripTables(nil, nil), errTables)
}

func cloneOf(segments []segment) []segment {
	var all []segment
	for _, s := range segments {
		all = append(all, segment{s.at, bytes.Clone(s.data)})
	}
	return all
}

// packed returns the compressed size of segments.
func packed(t *testing.T, segments []segment) int {
	t.Helper()
	_, gz, err := effort{brotli: 0, gzip: 9}.compress(writeSegments(segments))
	require.NoError(t, err)
	return len(gz)
}
