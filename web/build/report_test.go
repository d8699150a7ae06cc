package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestReport writes the report of a failed test in node, as the npm package does: it opens without a server, runs nothing, and takes
// what a page, a device or a test says for text.
func TestReport(t *testing.T) {
	web, err := filepath.Abs("..")
	require.NoError(t, err)
	files := tree{}
	require.NoError(t, bundleReport(web, false, files))
	require.Len(t, files, 1)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "report.mjs"), files["report.js"], 0o600))
	write := func(locale, failed string) string {
		command := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", `import { report } from './report.mjs'
const time = '2026-11-27T12:00:00.5Z'
process.stdout.write(report(`+failed+`))`)
		command.Dir, command.Env = dir, append(os.Environ(), "LC_ALL="+locale)
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.NotRegexp(t, regexp.MustCompile(`<script|(?:src|href)="(?:https?:|/)|@import|url\((?:[^d]|d[^a])`), string(out))
		return string(out)
	}
	const failed = `{
	title: 'a "test" <script>alert(1)</script>', error: "expected </div><script>alert(2)</script>",
	notes: [{ time: Date.parse(time), who: 'page', what: 'log: <img src=x onerror=alert(3)>', picture: 'data:image/png;base64,AA"onload="alert(4)' }],
	simulator: {
		trace: [{ n: 1, time, kind: 'apdu', dir: 'out', text: 'SELECT <b>' }],
		history: [{ time, kind: 'screen', screen: ['Sign message:', '<i>&amp;'] }, { time, kind: 'user', action: 'press', button: 'ok' },
			{ time, kind: 'faults', faults: [{ on: 'in', packet: 3, do: 'stall' }] }],
	},
}`
	html := write("en_GB.UTF-8", failed)
	for _, want := range []string{
		`<html lang="en">`, "a &#34;test&#34; &#60;script&#62;", `<div class="error">expected &#60;/div&#62;`, "log: &#60;img src=x", `src="data:image/png;base64,AA&#34;onload=`,
		"SELECT &#60;b&#62;", "&#60;i&#62;&#38;amp;", ">Presses OK<", ">Faults armed: packet 3 from the device: the endpoint stalls<", ">SDK → Device<", "0.000 s",
	} {
		require.Contains(t, html, want)
	}
	require.NotRegexp(t, `<(?:b|i|img src=x)[ >]`, html)
	require.Contains(t, write("zh_CN.UTF-8", failed), ">SDK → 设备<")
	require.Contains(t, write("C", `{ title: 'x', notes: [], simulator: null }`), "The simulator had ended")
}
