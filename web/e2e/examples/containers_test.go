package examples

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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
		require.Contains(t, strings.ReplaceAll(out, `"`, "'"), c.want)
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
	}
}

// TestImage runs a pairing in the image, where make image has written it and this machine can run containers.
func TestImage(t *testing.T) {
	needsFull(t)
	archives, err := filepath.Glob("../../../build/imkey-connect-testing-[0-9]*.oci.tar")
	require.NoError(t, err)
	if len(archives) == 0 {
		t.Skip("SKIP: there is no image; make image writes it")
	}
	podman, err := exec.LookPath("podman")
	if err != nil {
		t.Skip("SKIP: there is no podman to run the image; Debian has it in the package podman")
	}
	e := copied(t, "selenium")
	e.run(`npm install --ignore-scripts path/to/imkey-connect/build/imkey-connect-testing-[0-9]*.tgz`)
	require.NoError(t, os.Chmod(filepath.Dir(e.dir), 0o755)) // the container has another user
	storage, err := os.MkdirTemp("/var/tmp", "imkey-image-")
	require.NoError(t, err)
	run := func(args ...string) (string, error) {
		ctx, stop := context.WithTimeout(context.Background(), limit)
		defer stop()
		command := exec.CommandContext(ctx, podman, append([]string{"--root", storage, "--runroot", storage + "/run", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"}, args...)...)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	t.Cleanup(func() {
		out, err := run("rmi", "--all", "--force")
		require.NoError(t, err, out)
		require.NoError(t, os.RemoveAll(storage))
	})
	out, err := run("load", "--input", archives[0])
	require.NoError(t, err, out)
	image := regexp.MustCompile(`localhost/imkey-connect-testing:\S+`).FindString(out)
	require.NotEmpty(t, image, out)
	container := []string{"run", "--rm", "--network", "none", "--cgroups", "disabled", "--shm-size", "512m", "--volume", e.dir + ":/tests:ro", "--workdir", "/tests", image}
	if out, err := run(append(container, "true")...); err != nil {
		t.Skipf("SKIP: no container runs here: %s", out)
	}
	out, err = run(append(container, "node", "--test")...)
	require.NoError(t, err, out)
	require.Regexp(t, `(?m)^# pass 1$`, out)
}
