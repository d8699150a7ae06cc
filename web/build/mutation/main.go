// Command mutation tests the tests of packages. It changes their code in one place at a time, and runs the tests of the package,
// which must fail. It is run in the root of the repository:
//
//	go run ./web/build/mutation [-survivors file] [-least percent] folder... file.ts=test.test.ts...
//
// All changes are compiled into one test binary, in which an environment variable switches one of them on. The changes are:
//
//   - a comparison becomes another one: the bound moves by one, or the result is the opposite
//   - && becomes ||, and || becomes &&
//   - a condition, and a true or false that is returned, becomes the opposite
//   - + becomes -, * becomes /, & becomes |, << becomes >>, and the reverse
//   - a call, an assignment or a defer is left out
//   - an error that is returned becomes nil
//
// A survivor is a change that no test notices. The file of survivors gives a reason for each, as "file: function: change -- reason". A
// survivor that is not in the file, and one in the file that is no survivor, is an error. So is a smaller part of killed changes than
// the least.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	survivors := flag.String("survivors", "", "the file of survivors with a reason for each")
	least := flag.Float64("least", 90, "the least part of the changes that must be killed, in percent, in each package")
	within := flag.Duration("timeout", time.Minute, "the time for the tests of one change")
	flag.StringVar(&only, "only", "", "only changes whose name contains this text, for a look at some of them")
	flag.Parse()
	if err := run(flag.Args(), *survivors, *least, *within); err != nil {
		fmt.Fprintln(os.Stderr, "mutation:", err)
		os.Exit(1)
	}
}

func run(packages []string, survivors string, least float64, within time.Duration) error {
	reasons, err := readReasons(survivors)
	if err != nil {
		return err
	}
	var problems []error
	for _, pkg := range packages {
		start := time.Now()
		alive, all, err := mutate(pkg, within)
		if file, _, ok := strings.Cut(pkg, "="); ok {
			pkg = file
		}
		if err != nil {
			return fmt.Errorf("%s: %w", pkg, err)
		}
		killed := 100 * float64(all-len(alive)) / float64(all)
		fmt.Printf("%s: %d of %d changes killed, %.1f %%, in %v\n", pkg, all-len(alive), all, killed, time.Since(start).Round(time.Second))
		if killed < least {
			problems = append(problems, fmt.Errorf("%s: less than %.0f %% killed", pkg, least))
		}
		folder, only := filepath.ToSlash(filepath.Clean(pkg)), "" // of a TypeScript file, the folder and the name
		if path.Ext(folder) == ".ts" {
			folder, only = path.Dir(folder), path.Base(folder)+":"
		}
		for _, s := range alive {
			name := folder + "/" + s.name()
			if _, ok := reasons[name]; !ok {
				problems = append(problems, fmt.Errorf("no test notices %s (line %d)", name, s.line))
			}
			delete(reasons, name)
		}
		for name := range reasons {
			at, rest := path.Split(strings.SplitN(name, " ", 2)[0])
			if path.Clean(at) == folder && strings.HasPrefix(rest, only) {
				problems = append(problems, fmt.Errorf("%s: it is in %s and is no survivor", name, survivors))
			}
		}
	}
	return errors.Join(problems...)
}

var only string

// readReasons reads the file of survivors: lines of a name, ": " and a reason. A line that begins with # is a comment.
func readReasons(file string) (map[string]string, error) {
	reasons := map[string]string{}
	if file == "" {
		return reasons, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for n, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		at := strings.LastIndex(line, " -- ")
		if at < 0 {
			return nil, fmt.Errorf("%s:%d: no reason", file, n+1)
		}
		reasons[strings.TrimSpace(line[:at])] = line[at+4:]
	}
	return reasons, nil
}

// suite is the tests of a package, with all changes compiled in.
type suite struct {
	sites []site
	// command returns the command that runs the tests.
	command func(ctx context.Context) *exec.Cmd
}

// mutate returns the changes that the tests do not notice, and the number of all changes.
func mutate(target string, within time.Duration) (alive []site, all int, err error) {
	dir, err := os.MkdirTemp("", "imkey-mutation-")
	if err != nil {
		return nil, 0, err
	}
	defer os.RemoveAll(dir)
	var s suite
	if file, tests, ok := strings.Cut(target, "="); ok {
		s, err = typescript(file, tests, dir)
	} else {
		s, err = golang(target, dir)
	}
	if err != nil {
		return nil, 0, err
	}
	if killed, out := s.test(0, within); killed {
		return nil, 0, fmt.Errorf("the tests fail without a change:\n%s", out)
	}
	var mu sync.Mutex
	var group sync.WaitGroup
	work := make(chan site)
	for range runtime.NumCPU() {
		group.Go(func() {
			for one := range work {
				if killed, _ := s.test(one.id, within); !killed {
					mu.Lock()
					alive = append(alive, one)
					mu.Unlock()
				}
			}
		})
	}
	s.sites = slices.DeleteFunc(s.sites, func(one site) bool { return !strings.Contains(one.name(), only) })
	for _, one := range s.sites {
		work <- one
	}
	close(work)
	group.Wait()
	slices.SortFunc(alive, func(a, b site) int { return a.id - b.id })
	return alive, len(s.sites), nil
}

// golang compiles the tests of a Go package.
func golang(pkg, dir string) (suite, error) {
	sites, err := build(pkg, dir)
	return suite{sites, func(ctx context.Context) *exec.Cmd {
		// A change may make a loop endless that allocates.
		cmd := exec.CommandContext(ctx, "sh", "-c", `ulimit -v 4000000; exec "$0" "$@"`, filepath.Join(dir, "test"), "-test.failfast", "-test.count=1")
		cmd.Dir = pkg
		return cmd
	}}, err
}

// typescript bundles a test with the changes of one of the files that it imports.
func typescript(file, test, dir string) (suite, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return suite{}, err
	}
	compiler, err := filepath.Abs("docs/reference/node_modules/typescript")
	if err != nil {
		return suite{}, err
	}
	cmd := exec.Command("node", "web/build/mutation/instrument.mjs", compiler, file)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return suite{}, fmt.Errorf("instrument %s (run make docs first): %w", file, err)
	}
	var changed struct {
		Code  string
		Sites []struct {
			ID   int
			Name string
			Line int
		}
	}
	if err := json.Unmarshal(out, &changed); err != nil {
		return suite{}, err
	}
	bundle := filepath.Join(dir, "test.mjs")
	built := api.Build(api.BuildOptions{
		EntryPoints: []string{test}, Outfile: bundle, Bundle: true, Format: api.FormatESModule, Platform: api.PlatformNode, Target: api.ES2022,
		Banner: map[string]string{"js": "globalThis.mutant = Number(process.env." + variable + ")"}, Write: true,
		Plugins: []api.Plugin{{Name: "changes", Setup: func(b api.PluginBuild) {
			b.OnLoad(api.OnLoadOptions{Filter: `\.ts$`}, func(l api.OnLoadArgs) (api.OnLoadResult, error) {
				if l.Path != file {
					return api.OnLoadResult{}, nil
				}
				return api.OnLoadResult{Contents: &changed.Code, Loader: api.LoaderTS, ResolveDir: filepath.Dir(file)}, nil
			})
		}}},
	})
	if len(built.Errors) > 0 {
		return suite{}, fmt.Errorf("%s: %s", test, built.Errors[0].Text)
	}
	var sites []site
	for _, s := range changed.Sites {
		sites = append(sites, site{id: s.ID, file: filepath.Base(file), function: s.Name, line: s.Line})
	}
	return suite{sites, func(ctx context.Context) *exec.Cmd { return exec.CommandContext(ctx, "node", bundle) }}, nil
}

// test runs the tests with a change, or without any if it is 0. A test that does not end has noticed the change.
func (s suite) test(id int, within time.Duration) (killed bool, out []byte) {
	ctx, stop := context.WithTimeout(context.Background(), within)
	defer stop()
	cmd := s.command(ctx)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), variable+"="+strconv.Itoa(id))
	out, err := cmd.CombinedOutput()
	return err != nil, out
}

const variable = "IMKEY_MUTANT"

// build compiles the tests of a package with all changes. It drops a change that does not compile.
func build(pkg, dir string) ([]site, error) {
	dropped := map[string]bool{}
	for {
		sites, overlay, err := rewrite(pkg, dir, dropped)
		if err != nil {
			return nil, err
		}
		cmd := exec.Command("go", "test", "-c", "-vet=off", "-gcflags=-e", "-overlay", overlay, "-o", filepath.Join(dir, "test"), "./"+filepath.ToSlash(pkg))
		out, err := cmd.CombinedOutput()
		if err == nil {
			return sites, nil
		}
		before := len(dropped)
		for line := range bytes.Lines(out) {
			f := strings.SplitN(string(line), ":", 3)
			if len(f) < 3 {
				continue
			}
			n, err := strconv.Atoi(f[1])
			for _, s := range sites {
				if err == nil && filepath.Base(f[0]) == s.file && s.line == n && s.arithmetic() {
					dropped[s.key()] = true
				}
			}
		}
		if len(dropped) == before {
			return nil, fmt.Errorf("the changes do not compile: %s", out)
		}
	}
}
