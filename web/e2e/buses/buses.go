// Package buses compares what the tests see of the simulated device over each bus, that is, each way to the device.
//
// The buses are "websocket" (simulatedUSB, in any browser), "preload" (a Chromium's own navigator.usb, with the library of
// devicesim/preload in it) and "kernel" (the same navigator.usb on a Linux kernel's USB stack, over USB/IP). All buses should give the
// same results. Differences that cannot be avoided are in differences.json, each with its reason. An entry there that no longer
// applies is an error.
package buses

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
)

// Names are the names of the buses, in the order of the table.
var Names = []string{"websocket", "preload", "kernel"}

// Seen has the result of each case over one bus: a word, or a list of words.
type Seen map[string]any

// Difference is a case in which one bus has another result than the others, with the reason.
type Difference struct {
	Bus    string `json:"bus"`
	Case   string `json:"case"`
	Seen   any    `json:"seen"`
	Reason string `json:"reason"`
}

//go:embed differences.json
var differences []byte

// Differences returns the differences that differences.json explains.
func Differences() ([]Difference, error) {
	var list []Difference
	if err := json.Unmarshal(differences, &list); err != nil {
		return nil, fmt.Errorf("differences.json: %w", err)
	}
	for i, d := range list {
		if !slices.Contains(Names, d.Bus) || d.Case == "" || d.Seen == nil || len(d.Reason) < 20 {
			return nil, fmt.Errorf("differences.json: entry %d lacks a bus, a case, what was seen or a reason", i+1)
		}
	}
	return list, nil
}

// Row is a case whose results are not the same on all buses.
type Row struct {
	Case   string
	Seen   map[string]any // the result by bus; a bus that did not run the case is not in it
	Reason string         // from differences.json; "" if the difference is not explained
}

// Compare returns the cases whose results differ, sorted by name. stale has the entries of known that are no longer true for a
// bus in seen. An entry of known replaces the common result of the other buses for its bus and case.
func Compare(seen map[string]Seen, known []Difference) (rows []Row, stale []Difference) {
	cases := map[string]bool{}
	for _, s := range seen {
		for name := range s {
			cases[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		row := Row{Case: name, Seen: map[string]any{}}
		explained := map[string]bool{} // buses
		for _, d := range known {
			if d.Case == name && seen[d.Bus] != nil && reflect.DeepEqual(seen[d.Bus][name], d.Seen) {
				explained[d.Bus] = true
				row.Reason = d.Reason
			}
		}
		var common any
		differ, unexplained, first := false, false, true
		for bus, s := range seen {
			value, ok := s[name]
			if ok {
				row.Seen[bus] = value
			}
			if explained[bus] {
				differ = true
				continue
			}
			if first {
				common, first = value, false
			} else if !reflect.DeepEqual(common, value) {
				differ, unexplained = true, true
			}
			unexplained = unexplained || !ok
			differ = differ || !ok
		}
		if unexplained {
			row.Reason = ""
		}
		if differ {
			rows = append(rows, row)
		}
	}
	for _, d := range known {
		s, ran := seen[d.Bus]
		if ran && (!reflect.DeepEqual(s[d.Case], d.Seen) || sameElsewhere(seen, d)) {
			stale = append(stale, d)
		}
	}
	return rows, stale
}

// sameElsewhere reports whether another bus has the result that d gives for its bus only.
func sameElsewhere(seen map[string]Seen, d Difference) bool {
	for bus, s := range seen {
		if bus != d.Bus && reflect.DeepEqual(s[d.Case], d.Seen) {
			return true
		}
	}
	return false
}

// Table returns the result of Compare as text.
func Table(seen map[string]Seen, rows []Row, stale []Difference) string {
	var out strings.Builder
	var ran []string
	cases := 0
	for _, bus := range Names {
		if s, ok := seen[bus]; ok {
			ran = append(ran, bus)
			cases = max(cases, len(s))
		}
	}
	fmt.Fprintf(&out, "%d cases over %s; %d differ\n", cases, strings.Join(ran, ", "), len(rows))
	if len(rows) > 0 {
		w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "\ncase\t%s\twhy\n", strings.Join(ran, "\t"))
		for _, row := range rows {
			cells := []string{row.Case}
			for _, bus := range ran {
				cells = append(cells, cell(row.Seen[bus]))
			}
			if row.Reason == "" {
				row.Reason = "NOT EXPLAINED"
			}
			fmt.Fprintln(w, strings.Join(append(cells, row.Reason), "\t"))
		}
		w.Flush()
	}
	for _, d := range stale {
		fmt.Fprintf(&out, "no longer true for %s: %s: %s\n", d.Bus, d.Case, cell(d.Seen))
	}
	return out.String()
}

func cell(v any) string {
	if v == nil {
		return "-"
	}
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// Write writes the results over a bus to the file BUS.json in dir.
func Write(dir, bus string, seen Seen) error {
	b, err := json.MarshalIndent(seen, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, bus+".json"), append(b, '\n'), 0o644)
}

// Read reads the files that [Write] made in the directories, by bus. A later directory replaces the results of an earlier one.
func Read(dirs ...string) (map[string]Seen, error) {
	all := map[string]Seen{}
	for _, dir := range dirs {
		for _, bus := range Names {
			b, err := os.ReadFile(filepath.Join(dir, bus+".json"))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			var s Seen
			if err := json.Unmarshal(b, &s); err != nil {
				return nil, fmt.Errorf("%s/%s.json: %w", dir, bus, err)
			}
			all[bus] = s
		}
	}
	return all, nil
}

// Explained reports whether differences.json explains every row and has no stale entry.
func Explained(rows []Row, stale []Difference) bool {
	return len(stale) == 0 && !slices.ContainsFunc(rows, func(r Row) bool { return r.Reason == "" })
}
