// Package bench has the results of `make bench` and writes them as a Markdown table and an SVG plot. TestBench in web/e2e/published
// measures.
package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Ours is the name of this project among the peers.
const Ours = "imkey-connect"

// Results are all that one run measured.
type Results struct {
	Date     string            `json:"date"`
	Quick    bool              `json:"quick"`
	Machine  map[string]string `json:"machine"`
	Versions map[string]string `json:"versions"`
	Measures []Measure         `json:"measures"`
	Growth   []Growth          `json:"growth"`
}

// Measure is one quantity. Smaller is better, except of packets per second.
type Measure struct {
	Name string `json:"name"`
	// Unit is packets, ms, MB or bytes.
	Unit string `json:"unit"`
	// Least is the fewest packets that the framing permits, or 0.
	Least int `json:"least,omitempty"`
	// Runs are the values of each run, by project.
	Runs map[string][]float64 `json:"runs"`
	// Notes say what differs for a project, or why it was not measured.
	Notes map[string]string `json:"notes,omitempty"`
}

// Growth is how a quantity grows. Runs has the values of each run for each X.
type Growth struct {
	Name string      `json:"name"`
	X    []float64   `json:"x"`
	Unit string      `json:"unit"`
	Runs [][]float64 `json:"runs"`
}

// Median returns the middle of the values, or NaN without any.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Write writes bench.json, bench.md and bench.svg into a folder.
func (r *Results) Write(folder string) error {
	text, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	for name, content := range map[string]string{"bench.json": string(text) + "\n", "bench.md": r.Markdown(), "bench.svg": r.SVG()} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Markdown returns a table with the medians of every measure, and each peer's ratio to this project.
func (r *Results) Markdown() string {
	var b strings.Builder
	b.WriteString("| measure | fewest | " + Ours + " | others (their value, ours divided by theirs) |\n| --- | ---: | ---: | --- |\n")
	for _, m := range r.Measures {
		least := "–"
		if m.Least > 0 {
			least = fmt.Sprint(m.Least)
		}
		ours := Median(m.Runs[Ours])
		var others []string
		for _, name := range names(m) {
			if name == Ours {
				continue
			}
			if theirs := Median(m.Runs[name]); !math.IsNaN(theirs) {
				ratio := "–"
				if !math.IsNaN(ours) {
					ratio = fmt.Sprintf("%.2f", ours/theirs)
				}
				others = append(others, fmt.Sprintf("%s %s (%s)", name, value(theirs, m.Unit), ratio))
			} else {
				others = append(others, name+": "+m.Notes[name])
			}
		}
		if note := m.Notes[Ours]; note != "" {
			others = append(others, note)
		}
		fmt.Fprintf(&b, "| %s, %s | %s | %s | %s |\n", m.Name, m.Unit, least, value(ours, m.Unit), strings.Join(others, "; "))
	}
	fmt.Fprintf(&b, "\nMedians of each measure's runs. %s. ", r.Date)
	for _, list := range []map[string]string{r.Machine, r.Versions} {
		for _, name := range sortedKeys(list) {
			fmt.Fprintf(&b, "%s %s. ", name, list[name])
		}
	}
	return strings.TrimRight(b.String(), " ") + "\n"
}

// names returns the projects of a measure, sorted.
func names(m Measure) []string {
	all := map[string]string{}
	for name := range m.Runs {
		all[name] = ""
	}
	for name := range m.Notes {
		all[name] = ""
	}
	return sortedKeys(all)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func value(v float64, unit string) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case unit == "ms", unit == "MB":
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// The size of a plot and the room for its labels, in pixels.
const width, height, left, bottom = 360, 240, 56, 36

// SVG draws each growth on logarithmic axes: the medians as a line, every run as a dot.
func (r *Results) SVG() string {
	var b bytes.Buffer
	columns := min(2, max(1, len(r.Growth)))
	rows := max(1, (len(r.Growth)+columns-1)/columns)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11" role="img"><title>How times grow</title><rect width="100%%" height="100%%" fill="#fff"/>`,
		columns*width, rows*height)
	for i, g := range r.Growth {
		fmt.Fprintf(&b, `<g transform="translate(%d %d)">`, i%columns*width, i/columns*height)
		g.draw(&b)
		b.WriteString("</g>")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (g *Growth) draw(b *bytes.Buffer) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, runs := range g.Runs {
		for _, v := range runs {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	scale := func(v, from, to, size float64) float64 {
		if to <= from {
			return size / 2
		}
		return size * math.Log(v/from) / math.Log(to/from)
	}
	x := func(v float64) float64 { return left + scale(v, g.X[0], g.X[len(g.X)-1], width-left-24) }
	y := func(v float64) float64 { return height - bottom - scale(v, low, high, height-bottom-40) }
	fmt.Fprintf(b, `<text x="%d" y="18" font-weight="bold">%s, %s</text>`, left, html.EscapeString(g.Name), html.EscapeString(g.Unit))
	fmt.Fprintf(b, `<path d="M%d 30V%dH%d" fill="none" stroke="#888"/>`, left, height-bottom, width-16)
	var line []string
	for i, at := range g.X {
		fmt.Fprintf(b, `<text x="%.0f" y="%d" text-anchor="middle">%g</text>`, x(at), height-bottom+16, at)
		for _, v := range g.Runs[i] {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="2" fill="#68c"/>`, x(at), y(v))
		}
		line = append(line, fmt.Sprintf("%.1f,%.1f", x(at), y(Median(g.Runs[i]))))
	}
	fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="#15a" stroke-width="1.5"/>`, strings.Join(line, " "))
	for _, v := range []float64{low, high} {
		fmt.Fprintf(b, `<text x="%d" y="%.0f" text-anchor="end">%.3g</text>`, left-6, y(v)+4, v)
	}
}
