//go:build !js

package main

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/generated"
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

// TestIdsAreInTheTableOnly checks that no other source has a vendor id of its own, which would stay behind when the table grows.
func TestIdsAreInTheTableOnly(t *testing.T) {
	root := os.DirFS("../../..")
	found := 0
	require.NoError(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "build" || name == "web/dist" || name == "core/usbids" || d.Name() == "node_modules" || d.Name() == "testdata" ||
			d.Name() != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case !slices.Contains([]string{".go", ".ts", ".tsx", ".js", ".mjs", ".html", ".c", ".h", ".sh"}, path.Ext(name)),
			strings.HasSuffix(name, "_test.go"), strings.Contains(name, ".test."), strings.Contains(name, ".gen."):
			return nil
		}
		source, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		found++
		for _, d := range usbids.Devices {
			id := fmt.Sprintf("%04x", d.Vendor)
			require.NotRegexp(t, `(?i)(?:\b|0x)`+id+`\b`, string(source), "%s: use core/usbids, or what is generated from it", name)
		}
		return nil
	}))
	require.Greater(t, found, 300, "the sources were found")
}

// TestProtocolNamesEveryDevice: core/PROTOCOL.md is for implementers without this code.
func TestProtocolNamesEveryDevice(t *testing.T) {
	b, err := os.ReadFile("../../PROTOCOL.md")
	require.NoError(t, err)
	for _, d := range usbids.Devices {
		require.Regexp(t, fmt.Sprintf(`vendor id %04X, product id\s%04X`, d.Vendor, d.Product), string(b))
	}
}

func TestASecondVendor(t *testing.T) {
	known := usbids.Devices
	t.Cleanup(func() { usbids.Devices = known })
	usbids.Devices = []usbids.ID{{Vendor: 0x096E, Product: 0x0891}, {Vendor: 0x096E, Product: 0x0892}, {Vendor: 0xABCD, Product: 1}}
	b, err := vendors(nil)
	require.NoError(t, err)
	require.Contains(t, string(b), "= [0x096e, 0xabcd]\n")
	b, err = words(nil)
	require.NoError(t, err)
	require.Contains(t, string(b), "= '096E:0891, 096E:0892, ABCD:0001'\n")
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
