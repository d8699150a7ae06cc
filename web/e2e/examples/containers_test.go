package examples

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// manifests returns the files in examples/containers.
func manifests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../../examples/containers/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 3)
	for i := range files {
		files[i], err = filepath.Abs(files[i])
		require.NoError(t, err)
	}
	return files
}

// TestManifests checks the files for Kubernetes and Compose against their schemas.
func TestManifests(t *testing.T) {
	needsFull(t)
	checkout, err := filepath.Abs("../../..")
	require.NoError(t, err)
	e := &example{t: t, checkout: checkout, dir: filepath.Join(emptyFolder(t), "manifests")}
	require.NoError(t, os.Mkdir(e.dir, 0o755))
	for _, name := range []string{"package.json", "package-lock.json", "check.mjs"} {
		text, err := os.ReadFile(filepath.Join("manifests", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(e.dir, name), text, 0o600))
	}
	e.shell("npm ci --ignore-scripts")
	check := func(files ...string) (string, error) {
		command := exec.CommandContext(t.Context(), "node", append([]string{"check.mjs"}, files...)...)
		command.Dir = e.dir
		out, err := command.CombinedOutput()
		if err != nil {
			return string(out), err
		}
		types, err := e.compile("check.ts").CombinedOutput()
		return string(out) + string(types), err
	}
	out, err := check(manifests(t)...)
	require.NoError(t, err, out)
	for _, line := range []string{"compose.yaml Compose", "grid.yaml Deployment", "grid.yaml Service", "job.yaml Job"} {
		require.Contains(t, out, line+"\n")
	}

	// The schemas find mistakes.
	for _, c := range []struct{ file, from, to, want string }{
		{"compose.yaml", "mem_limit:", "memlimit:", "data/services/node must NOT have additional properties"},
		{"compose.yaml", "replicas: 2", "replicas: two", "replicas must be"},
		{"job.yaml", "workingDir:", "workingDirectory:", "'workingDirectory' does not exist"},
		{"job.yaml", "parallelism: 4", "parallelism: four", "parallelism"},
		{"grid.yaml", "      port: 4444", "      harbour: 4444", "port"},
		{"grid.yaml", "path: /readyz", "pathname: /readyz", "does not exist"},
	} {
		text, err := os.ReadFile(filepath.Join("../../../examples/containers", c.file))
		require.NoError(t, err)
		require.Contains(t, string(text), c.from)
		wrong := filepath.Join(e.dir, c.file)
		require.NoError(t, os.WriteFile(wrong, []byte(strings.Replace(string(text), c.from, c.to, 1)), 0o600))
		out, err := check(wrong)
		require.Error(t, err, "%s with %s", c.file, c.to)
		require.Contains(t, strings.ReplaceAll(out, `"`, ""), c.want) // the compiler quotes a quoted name twice
	}
}

// TestManifestsNameTheImage: the files name the image that make image writes, and its version.
func TestManifestsNameTheImage(t *testing.T) {
	text, err := os.ReadFile("../../../devicesim/npm/package.json")
	require.NoError(t, err)
	version := regexp.MustCompile(`"version": "(.*?)"`).FindSubmatch(text)
	require.Len(t, version, 2)
	for _, file := range manifests(t) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		images := regexp.MustCompile(`(?m)^\s*image: (.*)$`).FindAllSubmatch(text, -1)
		require.NotEmpty(t, images, file)
		for _, image := range images {
			require.Equal(t, "localhost/imkey-connect-testing:"+string(version[1]), string(image[1]), file)
		}
		if filepath.Base(file) != "compose.yaml" { // where command is what args is in Kubernetes
			require.NotRegexp(t, `(?m)^\s*command:`, string(text), "%s: it would replace tini, which reaps the processes of browsers", file)
		}
	}
}

// imageArchive is the archive that make image has written.
func imageArchive(t *testing.T) string {
	t.Helper()
	archives, err := filepath.Glob("../../../build/imkey-connect-testing-[0-9]*.oci.tar")
	require.NoError(t, err)
	if len(archives) == 0 {
		t.Skip("SKIP: there is no image; make image writes it")
	}
	require.Len(t, archives, 1)
	return archives[0]
}

// descriptor names a blob of an OCI archive.
type descriptor struct {
	MediaType, Digest string
	Size              int64
}

// TestImageArchive reads the archive as an engine does: index, manifest, configuration and layers, whose sizes and digests are right. Its
// times are those of one moment, so that the same packages make the same bytes.
func TestImageArchive(t *testing.T) {
	needsFull(t)
	archive, err := os.Open(imageArchive(t))
	require.NoError(t, err)
	defer archive.Close()
	blobs, files := map[string]int64{}, map[string]tar.Header{}
	documents := map[string][]byte{}
	times := map[int64]bool{}
	for entries := tar.NewReader(archive); ; {
		entry, err := entries.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		times[entry.ModTime.Unix()] = true
		if entry.Typeflag != tar.TypeReg {
			continue
		}
		name := strings.TrimPrefix(entry.Name, "./")
		digest := sha256.New()
		var text bytes.Buffer
		read := io.TeeReader(entries, digest)
		if entry.Size > 1<<20 { // a layer
			layer, err := gzip.NewReader(read)
			require.NoError(t, err)
			content := sha256.New()
			for inside := tar.NewReader(io.TeeReader(layer, content)); ; {
				file, err := inside.Next()
				if err == io.EOF {
					break
				}
				require.NoError(t, err)
				files[strings.Trim(strings.TrimPrefix(file.Name, "."), "/")] = *file
			}
			_, err = io.Copy(content, layer) // what follows the last file
			require.NoError(t, err)
			documents["content of "+name] = []byte("sha256:" + hex.EncodeToString(content.Sum(nil)))
		} else {
			_, err = io.Copy(&text, read)
			require.NoError(t, err)
			documents[name] = text.Bytes()
		}
		_, err = io.Copy(io.Discard, read)
		require.NoError(t, err)
		if sum, ok := strings.CutPrefix(name, "blobs/sha256/"); ok {
			require.Equal(t, sum, hex.EncodeToString(digest.Sum(nil)), "the name of the blob is its digest")
			blobs["sha256:"+sum] = entry.Size
		}
	}
	require.Len(t, times, 1, "the times of the archive")
	read := func(name string, into any) {
		t.Helper()
		require.Contains(t, documents, name)
		require.NoError(t, json.Unmarshal(documents[name], into))
	}
	blob := func(d descriptor) string {
		t.Helper()
		require.Equal(t, blobs[d.Digest], d.Size)
		return "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:")
	}

	require.JSONEq(t, `{"imageLayoutVersion":"1.0.0"}`, string(documents["oci-layout"]))
	var index struct {
		Manifests []struct {
			descriptor
			Annotations map[string]string
		}
	}
	read("index.json", &index)
	require.Len(t, index.Manifests, 1)
	require.Equal(t, "application/vnd.oci.image.manifest.v1+json", index.Manifests[0].MediaType)
	require.Regexp(t, `^localhost/imkey-connect-testing:\d+\.\d+\.\d+$`, index.Manifests[0].Annotations["org.opencontainers.image.ref.name"])
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	read(blob(index.Manifests[0].descriptor), &manifest)
	require.Equal(t, "application/vnd.oci.image.config.v1+json", manifest.Config.MediaType)
	var image struct {
		Created      time.Time
		Architecture string
		OS           string
		RootFS       struct {
			DiffIDs []string `json:"diff_ids"`
		}
		Config struct {
			User       string
			Env        []string
			Entrypoint []string
			Cmd        []string
			WorkingDir string
			Labels     map[string]string
		}
	}
	read(blob(manifest.Config), &image)
	require.Equal(t, runtime.GOARCH, image.Architecture)
	require.Equal(t, "linux", image.OS)
	require.Equal(t, "65534:65534", image.Config.User)
	require.Equal(t, []string{"tini", "--"}, image.Config.Entrypoint)
	require.Equal(t, []string{"imkey-grid", "standalone"}, image.Config.Cmd)
	require.Equal(t, "/tmp", image.Config.WorkingDir)
	require.Subset(t, image.Config.Env, []string{"IMKEYSIM=/opt/imkey/imkeysim", "IMKEY_NO_SANDBOX=1", "HOME=/tmp"})
	require.Equal(t, "imkey-connect-testing", image.Config.Labels["org.opencontainers.image.title"])
	require.True(t, times[image.Created.Unix()], "created at the same moment")
	require.Len(t, image.RootFS.DiffIDs, len(manifest.Layers))
	for i, layer := range manifest.Layers {
		require.Equal(t, "application/vnd.oci.image.layer.v1.tar+gzip", layer.MediaType)
		require.Equal(t, image.RootFS.DiffIDs[i], string(documents["content of "+blob(layer)]))
	}

	for _, program := range []string{
		"opt/imkey/imkeysim", "opt/imkey/imkeysim-browser", "opt/imkey/imkey-grid", "usr/lib/chromium/chromium", "usr/bin/chromedriver", "usr/bin/tini",
	} {
		require.Equal(t, byte(tar.TypeReg), files[program].Typeflag, program)
		require.EqualValues(t, 0o755, files[program].Mode&0o777, program)
	}
	for _, file := range []string{"opt/imkey/usbip_preload.so", "opt/imkey/selenium-server.jar", "opt/imkey/node.toml", "opt/imkey/LICENSE"} {
		require.Equal(t, byte(tar.TypeReg), files[file].Typeflag, file)
		require.NotZero(t, files[file].Mode&0o004, "%s: the user of the image reads it", file)
	}
	for name, file := range files {
		if strings.HasPrefix(name, "opt/") {
			require.Zero(t, file.Uid, name)
			require.Zero(t, file.Mode&0o022, "%s: no user of the image changes it", name)
		}
	}
	t.Logf("%d files in %d layers", len(files), len(manifest.Layers))
}

// gridInImage runs the tests of examples/grid on a grid of one process, then on a hub with a node.
const gridInImage = `
trap '[ $? = 0 ] || tail -n 40 /tmp/*.log' EXIT
tests() {
	until node -e "fetch('http://127.0.0.1:4444/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"; do
		for pid; do kill -0 "$pid"; done
	done
	GRID=http://127.0.0.1:4444 node --test
	kill "$@"
	wait || :
}
imkey-grid standalone >/tmp/standalone.log 2>&1 &
tests $!
imkey-grid hub >/tmp/hub.log 2>&1 &
hub=$!
imkey-grid node --hub http://127.0.0.1:4444 >/tmp/node.log 2>&1 &
tests $hub $!
`

// TestImage runs a pairing in the image, as its user and without rights: in a container without a network where this machine can run them,
// else in a chroot of buildah.
func TestImage(t *testing.T) {
	needsFull(t)
	_, noPodman := exec.LookPath("podman")
	_, noBuildah := exec.LookPath("buildah")
	if noPodman != nil && noBuildah != nil {
		t.Skipf("SKIP: nothing runs an image here: %v, %v", noPodman, noBuildah)
	}
	archive := imageArchive(t)
	e := copied(t, "selenium")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	require.NoError(t, os.Chmod(filepath.Dir(e.dir), 0o755)) // the container has another user
	storage, err := os.MkdirTemp("/var/tmp", "imkey-image-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(storage)) })
	// tool returns a function that runs a program with the storage, perhaps started by another command.
	tool := func(program string, within ...string) func(args ...string) (string, error) {
		command := slices.Concat(within, []string{program, "--root", storage, "--runroot", storage + "/run", "--storage-driver", "vfs"})
		return func(args ...string) (string, error) {
			ctx, stop := context.WithTimeout(context.Background(), limit)
			defer stop()
			out, err := exec.CommandContext(ctx, command[0], append(command[1:], args...)...).CombinedOutput()
			return string(out), err
		}
	}
	var ran []string
	t.Run("container", func(t *testing.T) {
		if noPodman != nil {
			t.Skipf("SKIP: %v", noPodman)
		}
		podman := tool("podman")
		if out, err := podman("info"); err != nil {
			t.Skipf("SKIP: podman does not work here: %v: %s", err, out)
		}
		out, err := podman("load", "--input", archive)
		require.NoError(t, err, out)
		remove := podman
		t.Cleanup(func() {
			out, err := remove("rmi", "--all", "--force")
			require.NoError(t, err, out)
		})
		image := regexp.MustCompile(`localhost/imkey-connect-testing:\S+`).FindString(out)
		require.NotEmpty(t, image, out)
		container := []string{
			"--cgroup-manager", "cgroupfs", "run", "--rm", "--network", "none", "--cgroups", "disabled", "--shm-size", "512m",
			"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096", // podman's own may be more than this machine allows
			"--volume", e.dir + ":/tests:ro", "--workdir", "/tests", image,
		}
		if out, err := podman(append(container, "true")...); err != nil {
			// The runtime looks at the cgroups all the same, and knows not all kinds.
			podman = tool("podman", "unshare", "--mount", "sh", "-c", `umount -l /sys/fs/cgroup && mount -t tmpfs none /sys/fs/cgroup && exec "$@"`, "sh")
			if more, err := podman(append(container, "true")...); err != nil {
				t.Skip("SKIP: no container runs here: " + out + more)
			}
		}
		out, err = podman(append(container, "node", "--test")...)
		require.NoError(t, err, out)
		require.Regexp(t, `(?m)^# pass 1$`, out)
		ran = append(ran, "container")

		// The tests of job.yaml, from a folder that cannot be written.
		job := copied(t, "playwright")
		job.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
		require.NoError(t, os.Chmod(filepath.Dir(job.dir), 0o755))
		text, err := os.ReadFile("../../../examples/containers/job.yaml")
		require.NoError(t, err)
		script := regexp.MustCompile(`(?m)^\s+- (node_modules/.bin/playwright .*)$`).FindSubmatch(text)
		require.Len(t, script, 2)
		folder := slices.Index(container, e.dir+":/tests:ro")
		container[folder] = job.dir + ":/tests:ro"
		out, err = podman(append(container, "sh", "-c", "JOB_COMPLETION_INDEX=0; "+string(script[1]))...)
		require.NoError(t, err, out)
		require.Regexp(t, `(?m)^  1 passed`, out)

		// The image's own command, and those of compose.yaml.
		grid := copied(t, "grid")
		grid.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
		require.NoError(t, os.Chmod(filepath.Dir(grid.dir), 0o755))
		container[folder] = grid.dir + ":/tests:ro"
		out, err = podman(append(container, "sh", "-e", "-c", gridInImage)...)
		require.NoError(t, err, out)
		require.Len(t, regexp.MustCompile(`(?m)^# pass 4$`).FindAllString(out, -1), 2, out)
	})
	if len(ran) > 0 || t.Failed() {
		t.Logf("a pairing in a %v", ran)
		return
	}
	t.Run("chroot", func(t *testing.T) {
		if noBuildah != nil {
			t.Skipf("SKIP: %v", noBuildah)
		}
		buildah := tool("buildah")
		if out, err := buildah("info"); err != nil {
			t.Skipf("SKIP: buildah does not work here: %v: %s", err, out)
		}
		out, err := buildah("from", "--pull-never", "--name", "tests", "oci-archive:"+archive)
		require.NoError(t, err, out)
		t.Cleanup(func() {
			for _, last := range [][]string{{"rm", "tests"}, {"rmi", "--all", "--force"}} {
				out, err := buildah(last...)
				require.NoError(t, err, out)
			}
		})
		in := func(command ...string) (string, error) {
			return buildah(append([]string{"run", "--isolation", "chroot", "--volume", e.dir + ":/tests:ro", "--workingdir", "/tests", "tests", "--"}, command...)...)
		}
		if out, err := in("true"); err != nil {
			t.Skip("SKIP: nothing runs in the image: " + out)
		}
		out, err = in("sh", "-c", "id -u; grep CapEff /proc/self/status; command -v imkeysim-browser")
		require.NoError(t, err, out)
		require.Equal(t, "65534\nCapEff:\t0000000000000000\n/opt/imkey/imkeysim-browser\n", out)
		out, err = in("node", "--test")
		require.NoError(t, err, out)
		require.Regexp(t, `(?m)^# pass 1$`, out)
		ran = append(ran, "chroot")
	})
	if len(ran) == 0 && !t.Failed() {
		t.Skip("SKIP: neither a container nor a chroot runs here: see the reasons above")
	}
	t.Logf("a pairing in a %v", ran)
}
