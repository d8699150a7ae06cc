package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestMutate changes a small package, whose tests miss two of the changes.
func TestMutate(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module fixture\n\ngo 1.26\n",
		"p/p.go": `package p

import "errors"

var errBig = errors.New("big")

const limit = 2 + 8

func Add(a, b int) (sum int, err error) {
	if a > limit || b > limit {
		return 0, errBig
	}
	sum = a + b
	log(sum)
	return sum, nil
}

func log(int) {}
`,
		"p/p_test.go": `package p

import "testing"

func TestAdd(t *testing.T) {
	if s, err := Add(3, 4); s != 7 || err != nil {
		t.Fatal(s, err)
	}
	for _, n := range [][2]int{{11, 0}, {0, 11}} {
		if _, err := Add(n[0], n[1]); err == nil {
			t.Fatal(n)
		}
	}
	if _, err := Add(10, 1); err != nil {
		t.Fatal(err)
	}
}
`,
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	t.Chdir(dir)
	alive, all, err := mutate("p", time.Minute)
	require.NoError(t, err)
	var names []string
	for _, s := range alive {
		names = append(names, s.name())
	}
	const bound, omitted = "p.go: Add: bound: b > limit", "p.go: Add: left out: log(sum)"
	require.ElementsMatch(t, []string{bound, omitted}, names)
	require.Equal(t, 9, all)

	reasons := filepath.Join(dir, "survivors")
	write := func(text string) { require.NoError(t, os.WriteFile(reasons, []byte(text), 0o644)) }
	write("# why\n\np/" + bound + " -- symmetric\np/" + omitted + " -- nothing reads it\n")
	require.NoError(t, run([]string{"p"}, reasons, 75, time.Minute))
	require.ErrorContains(t, run([]string{"p"}, reasons, 90, time.Minute), "less than 90 %")
	write("p/" + bound + " -- symmetric\np/p.go: Add: bound: a > limit -- was one\n")
	err = run([]string{"p"}, reasons, 75, time.Minute)
	require.ErrorContains(t, err, "no test notices p/"+omitted)
	require.ErrorContains(t, err, "is no survivor")
}
