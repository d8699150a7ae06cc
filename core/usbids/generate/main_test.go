//go:build !js

package main

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/internal/generated"
	"imkey-connect/core/usbids"
)

func TestNothingIsStale(t *testing.T) {
	require.NoError(t, generated.Check(outputs))
}

// A document that has a udev rule has one for every device.
func TestNoDocumentHasOldRules(t *testing.T) {
	root := os.DirFS("../../..")
	documents, err := fs.Glob(root, "docs/*.md")
	require.NoError(t, err)
	for _, path := range append(documents, "README.md") {
		b, err := fs.ReadFile(root, path)
		require.NoError(t, err)
		if !strings.Contains(string(b), "ATTR{idVendor}") {
			continue
		}
		for rule := range strings.SplitSeq(string(rules()), "\n") {
			require.Contains(t, string(b), rule, path)
		}
	}
}

func TestASecondVendor(t *testing.T) {
	known := usbids.Devices
	t.Cleanup(func() { usbids.Devices = known })
	usbids.Devices = []usbids.ID{{Vendor: 0x096E, Product: 0x0891}, {Vendor: 0x096E, Product: 0x0892}, {Vendor: 0xABCD, Product: 1}}
	b, err := vendors(nil)
	require.NoError(t, err)
	require.Contains(t, string(b), "= [0x096e, 0xabcd]\n")
	before := "text\n```\nSUBSYSTEM==\"usb\", ATTR{idVendor}==\"096e\" …\n```\n"
	b, err = document([]byte(before))
	require.NoError(t, err)
	require.Equal(t, "text\n```\n"+string(rules())+"\n```\n", string(b))
	again, err := document(b)
	require.NoError(t, err)
	require.Equal(t, string(b), string(again))
	_, err = document([]byte("no rule"))
	require.Error(t, err)
}
