//go:build !js

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNothingIsStale(t *testing.T) {
	root, err := findRoot()
	require.NoError(t, err)
	for _, o := range outputs {
		before, err := os.ReadFile(filepath.Join(root, o.path))
		require.NoError(t, err)
		after, err := o.render(before)
		require.NoError(t, err, o.path)
		require.Equal(t, string(after), string(before), "%s is not what the catalogue says; run: go generate ./core/errcode", o.path)
	}
}
