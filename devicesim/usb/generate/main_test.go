package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/usb"
)

func TestNothingIsStale(t *testing.T) {
	root, err := findRoot()
	require.NoError(t, err)
	file, err := os.ReadFile(filepath.Join(root, output))
	require.NoError(t, err)
	require.Equal(t, table(usb.FaultKinds()), string(file), "%s is not what faultkinds.go says; run: go generate ./devicesim/usb", output)

	before, err := os.ReadFile(filepath.Join(root, document))
	require.NoError(t, err)
	after, err := describe(string(before), usb.FaultKinds())
	require.NoError(t, err)
	require.Equal(t, after, string(before), "the table of %s is not what faultkinds.go says; run: go generate ./devicesim/usb", document)
}
