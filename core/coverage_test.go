//go:build !js

package core_test

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parsers are the packages that read bytes or text from a device, a host, a page, a file or a user. Of a package that does more than
// that, these are the files that read.
var parsers = map[string][]string{
	"core/apdu":                     nil,
	"core/attestation":              nil,
	"core/base58":                   nil,
	"core/base64":                   nil,
	"core/bech32":                   nil,
	"core/bindcode":                 nil,
	"core/binding":                  {"record.go", "name.go", "move.go"},
	"core/bitcoin":                  {"address.go", "psbt.go", "script.go", "transaction.go"},
	"core/cosmos":                   {"address.go", "amino.go", "direct.go", "summary.go"},
	"core/ethereum":                 {"address.go", "message.go", "parse.go", "transaction.go", "typeddata.go", "typeddata_types.go"},
	"core/ethereum/rlp":             nil,
	"core/frame":                    nil,
	"core/hdkey":                    nil,
	"core/hdpath":                   nil,
	"core/secp256k1":                nil,
	"core/tlv":                      nil,
	"core/tron":                     nil,
	"core/protobuf":                 nil,
	"core/upperhex":                 nil,
	"devicesim/applets/bitcoin":     nil,
	"devicesim/applets/cosmos":      nil,
	"devicesim/applets/ethereum":    nil,
	"devicesim/applets/tron":        nil,
	"devicesim/control":             {"actions.go", "control.go"},
	"devicesim/device":              {"state.go", "session.go", "cardmanager.go"},
	"devicesim/internal/strictjson": nil,
	"devicesim/replay":              {"script.go"},
	"devicesim/rlp":                 nil,
	"devicesim/trace":               {"apdu.go", "applets.go", "packet.go"},
	"devicesim/usb":                 {"control.go", "descriptors.go", "fault.go", "faultkinds.go", "read.go"},
	"devicesim/usbip":               {"protocol.go", "transfers.go"},
	"devicesim/wire":                {"message.go", "server.go"},
	"wasm/backup/sealed":            nil,
}

// least is the least part of the statements that the tests of a parser run.
const least = 0.95

// TestParsersAreCovered measures which statements of the parsers their own tests run. A package with a fuzz target is a parser.
func TestParsersAreCovered(t *testing.T) {
	fuzzed := map[string]bool{}
	target := regexp.MustCompile(`(?m)^func Fuzz`)
	for _, root := range []string{"core", "devicesim", "wasm", "bridge"} {
		require.NoError(t, filepath.WalkDir("../"+root, func(name string, d os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, "_test.go") {
				return err
			}
			source, err := os.ReadFile(name)
			if target.Match(source) {
				fuzzed[strings.TrimPrefix(filepath.ToSlash(filepath.Dir(name)), "../")] = true
			}
			return err
		}))
	}
	for folder := range fuzzed {
		require.Contains(t, parsers, folder, "add the new parser to the table")
	}
	if os.Getenv("IMKEY_FULL") == "" {
		t.Skip("set IMKEY_FULL=1, as make test-all does, to measure the coverage")
	}
	profile := filepath.Join(t.TempDir(), "coverage")
	args := []string{"test", "-coverprofile=" + profile}
	for folder := range parsers {
		args = append(args, "./"+folder)
	}
	test := exec.CommandContext(t.Context(), "go", args...)
	test.Dir = ".."
	test.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "IMKEY_FULL=") })
	out, err := test.CombinedOutput()
	require.NoError(t, err, "%s", out)
	f, err := os.Open(profile)
	require.NoError(t, err)
	defer f.Close()
	type count struct{ run, all int }
	counts := map[string]count{} // by folder
	seen := map[string]bool{}    // files
	var missed []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		file, rest, found := strings.Cut(strings.TrimPrefix(lines.Text(), module+"/"), ":")
		if !found || strings.HasPrefix(rest, " ") {
			continue // the mode
		}
		folder, name := path.Split(file)
		folder = path.Clean(folder)
		if files := parsers[folder]; files != nil && !slices.Contains(files, name) {
			continue
		}
		var where string
		var statements, times int
		_, err := fmt.Sscan(rest, &where, &statements, &times)
		require.NoError(t, err, lines.Text())
		c := counts[folder]
		c.all += statements
		if times > 0 {
			c.run += statements
		} else {
			missed = append(missed, file+":"+where)
		}
		counts[folder] = c
		seen[file] = true
	}
	require.NoError(t, lines.Err())
	for folder, files := range parsers {
		require.Contains(t, counts, folder, "has no statements")
		for _, name := range files {
			require.Contains(t, seen, folder+"/"+name)
		}
	}
	for _, folder := range slices.Sorted(maps.Keys(counts)) {
		c := counts[folder]
		t.Logf("%5.1f %% of %3d statements: %s", 100*float64(c.run)/float64(c.all), c.all, folder)
		if float64(c.run) < least*float64(c.all) {
			t.Errorf("%s: less than %.0f %%", folder, 100*least)
		}
	}
	slices.Sort(missed)
	t.Logf("not run:\n%s", strings.Join(missed, "\n"))
}
