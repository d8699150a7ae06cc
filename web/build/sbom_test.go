package build_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/web/build"
	"imkey-connect/web/build/buildtest"
)

// requireMaterials checks the bill of materials beside a tarball and their hashes. modules are the modules of each WASM file, as
// path@version.
func requireMaterials(t *testing.T, tarball string, modules map[string][]string) {
	t.Helper()
	dir, name := filepath.Dir(tarball), strings.TrimSuffix(filepath.Base(tarball), ".tgz")
	sum := func(data []byte) string {
		s := sha256.Sum256(data)
		return hex.EncodeToString(s[:])
	}
	packed, err := os.ReadFile(tarball)
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(dir, name+".cdx.json"))
	require.NoError(t, err)
	sums, err := os.ReadFile(filepath.Join(dir, name+".sha256"))
	require.NoError(t, err)
	require.Equal(t, sum(packed)+"  "+name+".tgz\n"+sum(data)+"  "+name+".cdx.json\n", string(sums))

	type hashes []struct{ Alg, Content string }
	type component struct {
		Type, Name, Version, PURL string
		Ref                       string `json:"bom-ref"`
		Hashes                    hashes
		Properties                []struct{ Name, Value string }
	}
	var b struct {
		BOMFormat, SpecVersion, SerialNumber string
		Version                              int
		Metadata                             struct {
			Component component
			Tools     struct{ Components []component }
		}
		Components   []component
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	require.NoError(t, json.Unmarshal(data, &b))
	require.Equal(t, []string{"CycloneDX", "1.6"}, []string{b.BOMFormat, b.SpecVersion})
	require.Regexp(t, `^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, b.SerialNumber)
	root := b.Metadata.Component
	require.Equal(t, name, root.Name+"-"+root.Version)
	require.Equal(t, "pkg:npm/"+root.Name+"@"+root.Version, root.PURL)
	require.Equal(t, hashes{{"SHA-256", sum(packed)}}, root.Hashes)

	known := map[string]component{root.Ref: root}
	files := map[string]string{}
	for _, c := range b.Components {
		require.NotContains(t, known, c.Ref)
		known[c.Ref] = c
		if c.Type == "file" {
			require.Len(t, c.Hashes, 1)
			files[c.Name] = c.Hashes[0].Content
		}
	}
	want := map[string]string{}
	for file, content := range unpack(t, packed, t.TempDir()) {
		want[file] = sum([]byte(content))
	}
	require.Equal(t, want, files, "each file of the tarball and no other")

	linked := map[string][]string{}
	for _, d := range b.Dependencies {
		require.Contains(t, known, d.Ref)
		for _, ref := range d.DependsOn {
			require.Contains(t, known, ref)
			if c := known[ref]; c.Type == "library" {
				linked[known[d.Ref].Name] = append(linked[known[d.Ref].Name], c.Name+"@"+c.Version)
				require.Equal(t, "pkg:golang/"+c.Name+"@"+c.Version, c.PURL)
				if c.Name != "std" {
					require.Regexp(t, `^h1:.{44}$`, c.Properties[0].Value)
				}
			}
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOVERSION").Output()
	require.NoError(t, err)
	for file := range modules {
		modules[file] = append(modules[file], "std@"+strings.TrimPrefix(strings.TrimSpace(string(out)), "go"))
		slices.Sort(modules[file])
		slices.Sort(linked[file])
	}
	require.Equal(t, modules, linked)
}

// TestMaterials packs this repository. The bill of materials has the modules that go list finds, each with the hash in go.sum.
func TestMaterials(t *testing.T) {
	root, err := build.Root(t.Context())
	require.NoError(t, err)
	modules := map[string][]string{}
	for file, source := range map[string]string{"imkey.wasm": "-tags=nocoins ./wasm", "imkey-coins.wasm": "./wasm", "imkey-backup.wasm": "./wasm/backup"} {
		list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", `{{with .Module}}{{if not .Main}}{{.Path}}@{{.Version}}{{end}}{{end}}`)
		list.Args = append(list.Args, strings.Fields(source)...)
		list.Dir, list.Env = root, append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
		out, err := list.Output()
		require.NoError(t, err)
		all := strings.Fields(string(out))
		slices.Sort(all)
		modules[file] = slices.Compact(all)
		require.NotEmpty(t, all)
	}
	tarball, err := build.Package(t.Context(), build.Options{Module: root, Out: t.TempDir()})
	require.NoError(t, err)
	requireMaterials(t, tarball, modules)
	data, err := os.ReadFile(strings.TrimSuffix(tarball, ".tgz") + ".cdx.json")
	require.NoError(t, err)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	for _, m := range modules["imkey-backup.wasm"] {
		path, version, _ := strings.Cut(m, "@")
		if path == "std" {
			continue
		}
		_, rest, found := strings.Cut(string(sums), path+" "+version+" ")
		require.True(t, found, m)
		hash, _, _ := strings.Cut(rest, "\n")
		require.Contains(t, string(data), `"value": "`+hash+`"`)
	}
}

// TestMaterialsOfASmallPackage packs a repository twice, with WASM files that have no modules.
func TestMaterialsOfASmallPackage(t *testing.T) {
	var last []byte
	for range 2 {
		tarball, err := build.Package(t.Context(), build.Options{Module: buildtest.Module(t), Out: t.TempDir()})
		require.NoError(t, err)
		requireMaterials(t, tarball, map[string][]string{"imkey.wasm": nil, "imkey-coins.wasm": nil, "imkey-backup.wasm": nil})
		data, err := os.ReadFile(strings.TrimSuffix(tarball, ".tgz") + ".cdx.json")
		require.NoError(t, err)
		require.True(t, last == nil || string(last) == string(data), "the same sources give the same bytes")
		last = data
	}
}
