package build

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// connectPage is the file of the page at /, which is built from apps/connect.
const connectPage = "index.html"

// outputs are the files of the pages whose address is not the name of their folder. Any other apps/NAME becomes NAME.html, served at
// /NAME.
var outputs = map[string]string{"connect": connectPage, "connector": "connect.html"}

// page is a document in a folder of apps, with the scripts, styles and pictures that its attributes src and href refer to.
type page struct {
	name   string // of its scripts and styles
	source string // the document, from the folder web
	output string // the name of the document in the output folder
	html   []byte
}

var (
	// reference matches src="…" and href="…" with the address of a file relative to the page's folder. Such an address has no
	// scheme and no leading slash, and it has an extension, unlike links to other pages.
	reference = regexp.MustCompile(`(\s(?:src|href)=")([^"/#?:][^"#?:]*\.[a-z0-9]+)"`)
	// inline matches what the Content-Security-Policy blocks: the build fails, so that no page has a button that does nothing.
	inline = regexp.MustCompile(`(?i)<style|\s(?:style|on[a-z]+)=|<script(?:\s+type="module")?\s*>`)
	endTag = []byte("</head>")
)

// sitePages are the pages of a site: apps/NAME/index.html, served at /NAME, and that of apps/connect at /.
func sitePages(web string) ([]page, error) {
	return readPages(web, filepath.Join("*", connectPage), func(folder, _ string) (name, output string) {
		return folder, cmp.Or(outputs[folder], folder+".html")
	})
}

// readPages reads the documents in apps that match a pattern. named gives a page's name and output by its folder and its file.
func readPages(web, pattern string, named func(folder, file string) (name, output string)) ([]page, error) {
	htmls, err := filepath.Glob(filepath.Join(web, "apps", pattern))
	if err != nil {
		return nil, err
	}
	var pages []page
	for _, source := range htmls {
		html, err := os.ReadFile(source)
		if err != nil {
			return nil, err
		}
		folder, file := filepath.Base(filepath.Dir(source)), filepath.Base(source)
		name, output := named(folder, file)
		p := page{name, path.Join("apps", folder, file), output, html}
		if at := inline.Find(html); at != nil {
			return nil, fmt.Errorf("%s: %q: the Content-Security-Policy allows no inline script or style", p.source, at)
		}
		if !bytes.Contains(html, endTag) {
			return nil, fmt.Errorf("%s: no %s", p.source, endTag)
		}
		pages = append(pages, p)
	}
	return pages, nil
}

// target returns the source that an address on the page refers to, relative to the folder web.
func (p page) target(address string) string {
	return path.Join(path.Dir(p.source), address)
}

func bundled(source string) bool {
	return slices.Contains([]string{".ts", ".css"}, path.Ext(source))
}

func (p page) entryPoints() []api.EntryPoint {
	var points []api.EntryPoint
	for _, m := range reference.FindAllSubmatch(p.html, -1) {
		if source := p.target(string(m[2])); bundled(source) {
			points = append(points, api.EntryPoint{InputPath: source, OutputPath: p.name})
		}
	}
	return points
}

// write replaces the page's addresses with those of the built files, and adds them to g.
func (p page) write(web string, files tree, g graph, entries map[string]entry) error {
	var failed error
	var styles []string
	html := reference.ReplaceAllFunc(p.html, func(whole []byte) []byte {
		m := reference.FindSubmatch(whole)
		file, err := p.file(web, p.target(string(m[2])), files, entries, &styles)
		if err != nil {
			failed = errors.Join(failed, err)
			return whole
		}
		g.add(p.output, file, false)
		return slices.Concat(m[1], []byte(file), []byte(`"`))
	})
	if failed != nil {
		return failed
	}

	var head strings.Builder
	for _, file := range styles {
		g.add(p.output, file, false)
		fmt.Fprintf(&head, "<link rel=\"stylesheet\" href=\"%s\">\n", file)
	}
	// Without these links, the browser would learn of each script only from the script before it.
	for _, file := range g.reach(p.output, false) {
		if path.Ext(file) == ".js" && !bytes.Contains(html, []byte(`src="`+file+`"`)) {
			fmt.Fprintf(&head, "<link rel=\"modulepreload\" href=\"%s\">\n", file)
		}
	}
	html = bytes.Replace(html, endTag, append([]byte(head.String()), endTag...), 1)
	return files.add(p.output, html)
}

// file returns the built file for a source that the page refers to. It adds the style sheets of scripts to styles.
func (p page) file(web, source string, files tree, entries map[string]entry, styles *[]string) (string, error) {
	if bundled(source) {
		built, ok := entries[source]
		if !ok {
			return "", fmt.Errorf("%s was not built", source)
		}
		if built.styles != "" && !slices.Contains(*styles, built.styles) {
			*styles = append(*styles, built.styles)
		}
		return built.file, nil
	}
	data, err := readSource(web, source)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	hash := base32.StdEncoding.EncodeToString(sum[:])[:8]
	ext := path.Ext(source)
	name := fmt.Sprintf("%s/%s-%s%s", assets, strings.TrimSuffix(path.Base(source), ext), hash, ext)
	return name, files.add(name, data)
}

func readSource(web, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(web, filepath.FromSlash(name)))
}
