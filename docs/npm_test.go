package docs_test

import (
	"encoding/base64"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// manifest is what a package.json and an entry of a lockfile have in common.
type manifest struct {
	Version, Resolved, Integrity                                          string
	Link, InBundle                                                        bool
	Dependencies, DevDependencies, OptionalDependencies, PeerDependencies map[string]string
}

// TestNpmProjectsAreLocked checks every package.json. A project with dependencies has a lockfile for the same dependencies. The
// lockfile has a strong hash of each package, and names no registry: npm takes the one that its user has set up.
func TestNpmProjectsAreLocked(t *testing.T) {
	projects, locked := 0, 0
	for _, name := range tracked(t) {
		if path.Base(name) != "package.json" {
			continue
		}
		projects++
		var m manifest
		require.NoError(t, json.Unmarshal([]byte(read(t, name)), &m), name)
		if len(m.Dependencies)+len(m.DevDependencies)+len(m.OptionalDependencies)+len(m.PeerDependencies) == 0 {
			continue
		}
		lock := path.Join(path.Dir(name), "package-lock.json")
		require.Contains(t, tracked(t), lock, "run npm install --package-lock-only --ignore-scripts in the folder of %s", name)
		text := read(t, lock)
		assert.NotRegexp(t, `"resolved": "[a-z+]+://`, text, lock)
		var l struct {
			LockfileVersion int
			Packages        map[string]manifest
		}
		require.NoError(t, json.Unmarshal([]byte(text), &l), lock)
		assert.GreaterOrEqual(t, l.LockfileVersion, 3, lock)
		root := l.Packages[""]
		assert.Equal(t, []map[string]string{m.Dependencies, m.DevDependencies, m.OptionalDependencies, m.PeerDependencies},
			[]map[string]string{root.Dependencies, root.DevDependencies, root.OptionalDependencies, root.PeerDependencies}, lock)
		for where, p := range l.Packages {
			if !strings.HasPrefix(where, "node_modules/") || p.Link || p.InBundle {
				continue // the project, a folder of this checkout, or a part of a package that has a hash
			}
			if strings.HasPrefix(p.Resolved, "file:") {
				assert.Regexp(t, `^file:\.\./\.\./build/imkey-connect-`, p.Resolved, "%s: %s", lock, where)
				continue
			}
			assert.Empty(t, p.Resolved, "%s: %s", lock, where)
			assert.NotEmpty(t, p.Version, "%s: %s", lock, where)
			sum, strong := strings.CutPrefix(p.Integrity, "sha512-")
			raw, err := base64.StdEncoding.DecodeString(sum)
			assert.True(t, strong && err == nil && len(raw) == 64, "%s: %s has integrity %q", lock, where, p.Integrity)
			locked++
		}
	}
	t.Logf("%d projects, %d locked packages", projects, locked)
	require.Greater(t, projects, 10)
	require.Greater(t, locked, 300)
}

var (
	// npmCommand is npm with its arguments, up to the end of the command. In Go, the arguments are string literals.
	npmCommand = regexp.MustCompile(`\bnpm["',\s]+(ci|i|in|install|add|update|up|exec|x)\b[^\n` + "`" + `;|&)]*`)
	npxCommand = regexp.MustCompile(`\bnpx["',\s]+[^\n` + "`" + `;|&)]*`)
)

// TestNpmRunsNoScripts checks every command of npm in the Makefile, scripts, tests and documents. A command that installs a project
// is npm ci. npm install is only for the tarball or the folder of a package of this checkout. Neither runs scripts of packages. npx
// runs what is installed.
func TestNpmRunsNoScripts(t *testing.T) {
	local := regexp.MustCompile(`build/imkey-connect-|packed\[0\]`)
	files := 0
	for _, name := range tracked(t) {
		scripts := []string{".go", ".sh", ".md", ".mjs", ".js", ".yml", ".yaml"}
		if path.Base(name) != "Makefile" && path.Base(name) != "run" && !slices.Contains(scripts, path.Ext(name)) || name == "docs/npm_test.go" {
			continue
		}
		text := read(t, name)
		found := npmCommand.FindAllStringSubmatch(text, -1)
		for _, m := range found {
			command := m[0]
			switch {
			case !strings.ContainsAny(command, "-/") && (strings.HasSuffix(name, ".md") || strings.HasPrefix(lineWith(text, command), "//")):
				continue // prose that names the command
			case m[1] == "ci":
			case m[1] == "install":
				assert.Regexp(t, local, command, "%s: install a project with npm ci", name)
			default:
				assert.Fail(t, "use npm ci", "%s: %s", name, command)
			}
			assert.Contains(t, command, "--ignore-scripts", name)
		}
		runs := npxCommand.FindAllString(text, -1)
		for _, command := range runs {
			if strings.HasPrefix(command, "npx @foundry-rs/anvil") {
				continue // the dApp page shows it to a developer
			}
			assert.Contains(t, command, "--no-install", name)
		}
		if len(found)+len(runs) > 0 {
			files++
		}
	}
	t.Logf("%d files have commands of npm", files)
	require.Greater(t, files, 8)
}

// lineWith returns the line of a text in which a part begins, without indentation.
func lineWith(text, part string) string {
	before, after, _ := strings.Cut(text, part)
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:] + part + line)
}
