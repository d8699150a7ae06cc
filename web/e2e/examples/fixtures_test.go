package examples

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withFixtures is a project with Playwright, the package for tests and its test subjects: the wallet extension of the examples, the
// extension of this project, and the SDK for a site.
func withFixtures(t *testing.T) *example {
	t.Helper()
	e := copied(t, "playwright")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	sdk, err := filepath.Glob(filepath.Join(e.checkout, "build", "imkey-connect-[0-9]*.tgz"))
	require.NoError(t, err)
	require.Len(t, sdk, 1)
	wallet := filepath.Join(e.dir, "wallet")
	require.NoError(t, os.CopyFS(wallet, os.DirFS(filepath.Join(e.checkout, "examples", "extension"))))
	for _, folder := range []string{filepath.Join(wallet, "sdk"), filepath.Join(e.dir, "node_modules", "imkey-connect")} {
		e.unpack(sdk[0], folder)
	}
	require.NoError(t, os.CopyFS(filepath.Join(e.dir, "own"), os.DirFS(filepath.Join(e.checkout, "build", "extension"))))
	return e
}

// add adds tests to a project.
func (e *example) add(specs ...string) {
	e.t.Helper()
	for _, spec := range specs {
		text, err := os.ReadFile(filepath.Join("testdata", spec))
		require.NoError(e.t, err)
		require.NoError(e.t, os.WriteFile(filepath.Join(e.dir, spec), text, 0o600))
	}
}

// TestFixtures runs the fixtures' other uses. Each starts browsers.
func TestFixtures(t *testing.T) {
	needsFull(t)
	e := withFixtures(t)
	npmTest := func(spec string, args ...string) (string, error) {
		out, err := e.command(t.Context(), `npm test`, append([]string{"--", spec, "--timeout", "120000"}, args...)...).CombinedOutput()
		return string(out), err
	}

	t.Run("the extension of this project", func(t *testing.T) {
		e.add("own.spec.js")
		out, err := npmTest("own")
		require.NoError(t, err, out)
	})

	t.Run("the lesser way", func(t *testing.T) {
		e.add("lesser.spec.js")
		out, err := npmTest("lesser")
		require.NoError(t, err, out)
		require.Contains(t, out, "That is the lesser way")
	})

	t.Run("a recording", func(t *testing.T) {
		e.add("recording.spec.js")
		file := filepath.Join(e.dir, "recordings", "greeting.apdus")
		out, err := npmTest("recording", "--update-snapshots=none")
		require.Error(t, err, "without a recording")
		require.Contains(t, out, "Run the test with --update-snapshots to make it.")
		require.NoFileExists(t, file)

		out, err = npmTest("recording")
		require.NoError(t, err, out)
		recorded, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(recorded), `# question: "Sign message:Hello World"`)
		out, err = npmTest("recording", "--update-snapshots=none")
		require.NoError(t, err, out)

		t.Setenv("GREETED", "Mars")
		out, err = npmTest("recording")
		require.Error(t, err, "another message")
		require.Regexp(t, `(?s)The site asked for something else than \S*greeting.apdus has, from line \d+ on:\s+- => .*Hello World.*\+ => .*Hello Mars`, out)
		out, err = npmTest("recording", "--update-snapshots")
		require.Error(t, err, "a test that fails leaves the recording as it was")
		after, err := os.ReadFile(file)
		require.NoError(t, err, out)
		require.Equal(t, recorded, after)
	})

	t.Run("no browser", func(t *testing.T) {
		temp := t.TempDir()
		t.Setenv("TMPDIR", temp)
		t.Setenv("CHROMIUM", "/none")
		out, err := npmTest("pairing")
		require.Error(t, err)
		require.Contains(t, out, "CHROMIUM=/none is not there; name the binary of a Chromium")
		left, err := filepath.Glob(filepath.Join(temp, "imkey*"))
		require.NoError(t, err)
		require.Empty(t, left)
	})

	t.Run("a report", func(t *testing.T) {
		e.add("report.spec.js")
		out, err := npmTest("report")
		require.Error(t, err, out)
		files, err := filepath.Glob(filepath.Join(e.dir, "test-results", "*", "imkey.html"))
		require.NoError(t, err)
		require.Len(t, files, 1)
		html, err := os.ReadFile(files[0])
		require.NoError(t, err)
		for _, want := range []string{
			"<h1>report.spec.js › fails</h1>", "toBeVisible", "opens http://127.0.0.1:", `<img src="data:image/jpeg;base64,`,
			`<span class="step-screen">`, "Faults armed: packet 9999 from the device: the endpoint stalls", `data-to="device">`, `data-to="sdk">`, "BIND_CHECK",
		} {
			require.Contains(t, string(html), want)
		}
		require.Regexp(t, `\n[23456789A-Z]{8}\n`, string(html), "the screen with the code, whose text the page's user reads")
		require.NotRegexp(t, regexp.MustCompile(`(?:src|href)="(?:https?:|/)`), string(html), "it opens without a server")
		require.False(t, strings.Contains(string(html), "<script"), "it runs nothing")
	})
}

// TestShards runs Playwright's tests in two shards of two workers at once, by the commands of docs/testing.md with fewer workers: each test runs
// once and sees its own device alone.
func TestShards(t *testing.T) {
	needsFull(t)
	e := withFixtures(t)
	e.add("shard.spec.js")
	docs, err := os.ReadFile(filepath.Join(e.checkout, "docs", "testing.md"))
	require.NoError(t, err)
	file := filepath.Join(e.dir, "seen.jsonl")
	t.Setenv("SEEN", file)
	var shards [2]*exec.Cmd
	var said [2]bytes.Buffer
	for i := range shards {
		shard := fmt.Sprintf("%d/%d", i+1, len(shards))
		require.Contains(t, string(docs), "\nnpx --no-install playwright test --workers 4 --shard "+shard+"\n")
		shards[i] = e.prepare(t.Context(), "npx --no-install playwright test", "--workers", "2", "--shard", shard, "--timeout", "120000", "--output", fmt.Sprint("results-", i), "shard")
		shards[i].Stdout, shards[i].Stderr = &said[i], &said[i]
		require.NoError(t, shards[i].Start())
	}
	for i := range shards {
		assert.NoError(t, shards[i].Wait(), said[i].String())
		assert.Regexp(t, `(?m)^  6 passed`, said[i].String())
	}
	require.False(t, t.Failed())

	type session struct {
		N        int
		Serial   string
		Seen     []string
		From, To int64
	}
	var all []session
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		var s session
		require.NoError(t, json.Unmarshal([]byte(line), &s))
		all = append(all, s)
	}
	require.Len(t, all, 12)
	tests, serials, most := map[int]bool{}, map[string]bool{}, 0
	for _, s := range all {
		require.Equal(t, []string{s.Serial}, s.Seen, "the page sees its own device alone")
		tests[s.N], serials[s.Serial] = true, true
		atOnce := 0
		for _, other := range all {
			if other.From <= s.From && s.From <= other.To {
				atOnce++
			}
		}
		most = max(most, atOnce)
	}
	require.Len(t, tests, 12, "each test ran once")
	require.Len(t, serials, 12, "each test had a device of its own")
	t.Logf("12 tests in 2 shards of 2 workers, up to %d at once", most)
}

// unpack unpacks a tarball of npm into a folder.
func (e *example) unpack(tarball, folder string) {
	e.t.Helper()
	require.NoError(e.t, os.MkdirAll(folder, 0o755))
	out, err := exec.Command("tar", "xzf", tarball, "-C", folder, "--strip-components=1").CombinedOutput()
	require.NoError(e.t, err, "%s", out)
}
