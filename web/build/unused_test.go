package build

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// functionsOf returns the names of all functions of a module, and the content of its code section.
func functionsOf(t *testing.T, linked []byte) (names []string, code []byte) {
	t.Helper()
	_, err := joinSegments(linked, func(sections []section, segments []segment) []byte {
		table, err := findTable(segments)
		require.NoError(t, err)
		names = table.namesOfAll()
		code = sections[slices.IndexFunc(sections, func(s section) bool { return s.id == sectionCode })].content
		return nil
	})
	require.NoError(t, err)
	return names, bytes.Clone(code)
}

// plain compiles testdata/plain with the options of a module.
func plain(t *testing.T) []byte {
	t.Helper()
	linked, err := linkWASM(t.Context(), Options{}, "../..", wasmModule{"./web/build/testdata/plain", ""})
	require.NoError(t, err)
	return linked
}

func TestUnusedFunctionsAreCut(t *testing.T) {
	names, code := functionsOf(t, plain(t))
	less, cut, err := cutUnused(code, names)
	require.NoError(t, err)
	require.Less(t, len(less), len(code)*9/10)
	again, _, err := cutUnused(less, names)
	require.NoError(t, err)
	require.True(t, bytes.Equal(less, again))

	// Every name of the runtime fits a function, so that the list is noticed to be wrong for a new Go.
	for _, u := range allUnused {
		for _, pattern := range u.names {
			n := slices.IndexFunc(names, func(name string) bool { return match(pattern, name) })
			require.True(t, n >= 0 && cut[n] || !strings.HasPrefix(pattern, "runtime."), pattern)
		}
	}
	for n := range cut {
		require.NotRegexp(t, `^runtime\.(main|schedule|gcStart|mallocgc|gopanic|printpanics|throw|Callers|newstack|trace(Enabled|Acquire|Release|Locker\.ok))$`, names[n])
	}

	// What is started by a function that is linked stays.
	for start, kept := range map[string]string{
		"runtime.StartTrace": "runtime.traceAdvance", "runtime.SetBlockProfileRate": "runtime.saveblockevent", "runtime.Stack": "runtime.traceback2",
		"runtime.readMetrics": "runtime.initMetrics",
	} {
		others := append([]string{start}, names[1:]...)
		require.Contains(t, others, kept)
		_, cut, err := cutUnused(code, others)
		require.NoError(t, err)
		require.False(t, cut[slices.Index(others, kept)], kept)
	}

	// Code of another form is refused.
	_, _, err = cutUnused(code, names[1:])
	require.ErrorIs(t, err, errTables, "fewer functions")
	_, _, err = cutUnused(code, append(slices.Clone(names[1:]), names[0]))
	require.ErrorIs(t, err, errTables, "other functions")
	_, _, err = cutUnused(code[:len(code)-1], names)
	require.ErrorIs(t, err, errWASM, "cut off")
	_, _, err = cutUnused(append(bytes.Clone(code), 0), names)
	require.ErrorIs(t, err, errTables, "more bytes")
}

// A program runs as before. If it ends with a panic, it says why and exits with the same code, but does not write the stack.
func TestCutProgramsRun(t *testing.T) {
	linked := plain(t)
	stripped, err := Strip(linked)
	require.NoError(t, err)
	require.Equal(t, runWASM(t, linked), runWASM(t, stripped))

	said, status := endWASM(t, linked, "panic")
	less, same := endWASM(t, stripped, "panic")
	require.Equal(t, 2, status)
	require.Equal(t, status, same, less)
	before, stack, found := strings.Cut(said, "\n\ngoroutine ")
	require.True(t, found, said)
	require.Contains(t, before, "panic: asked for")
	require.Contains(t, stack, "main.main")
	require.Equal(t, strings.TrimSpace(before), strings.TrimSpace(less))
}
