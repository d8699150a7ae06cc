package looks

import (
	_ "embed"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/core/errcode"
	"imkey-connect/web/e2e/harness"
)

type fields = map[string]any

// states returns every state that the connect page can show, as in web/ui/pairing/state.ts.
func states() []fields {
	facts := fields{
		"serial": "imKey01191200001", "firmware": "1.6.00", "bootloader": "1.0.03", "battery": 100, "charging": false,
		"bleName": "imKey0119120", "bleVersion": "1.2.00", "lifeCycle": "ready", "certificate": "verified",
		"key": fields{"of": "simulator", "fingerprint": "1a2b 3c4d 5e6f 7081"}, "called": nil, "boundAt": nil,
	}
	with := func(m fields, more ...any) fields {
		m = maps.Clone(m)
		for i := 0; i < len(more); i += 2 {
			m[more[i].(string)] = more[i+1]
		}
		return m
	}
	unverified := with(facts, "certificate", "unverified", "key", nil, "charging", true, "battery", nil)
	unknown := with(facts, "firmware", nil, "battery", nil, "bootloader", nil, "bleName", nil, "bleVersion", nil, "lifeCycle", nil, "key", nil)
	before := with(facts, "called", "Savings", "boundAt", "2026-01-02T03:04:05Z")
	all := []fields{
		{"name": "unsupported", "reason": "no-webusb"},
		{"name": "unsupported", "reason": "insecure-context"},
		{"name": "start"},
		{"name": "start", "forgotten": true},
		{"name": "choosing"},
		{"name": "opening"},
		{"name": "waiting", "reason": "locked"},
		{"name": "waiting", "reason": "in-menu"},
		{"name": "recognised", "device": facts},
		{"name": "recognised", "device": unverified},
		{"name": "recognised", "device": unknown},
		{"name": "unverified", "device": unverified},
		{"name": "unverified", "device": unverified, "imported": true},
		{"name": "elsewhere", "device": facts},
		{"name": "reset", "device": before},
		{"name": "rebound", "device": before},
		{"name": "rebound", "device": unverified},
		{"name": "in-use", "mute": false},
		{"name": "in-use", "mute": true},
		{"name": "taken-over"},
		{"name": "several", "choices": []fields{
			{"serial": "imKey01191200001", "called": "Savings", "known": true},
			{"serial": "imKey01191200002", "called": nil, "known": false},
			{"serial": nil, "called": nil, "known": false},
		}},
	}
	for _, source := range []string{"screen", "paper"} {
		code := fields{"name": "code", "source": source}
		all = append(all, code, with(code, "notice", "shown-again"), with(code, "notice", "aborted"), with(code, "notice", "code-format"))
		for _, attention := range []bool{false, true} {
			all = append(all, fields{"name": "checking", "source": source, "attention": attention})
		}
		all = append(all, fields{"name": "stopping", "source": source})
		for _, left := range []any{nil, 0, 1, 9} {
			all = append(all, fields{"name": "wrong", "source": source, "triesLeft": left})
		}
	}
	bound := fields{"name": "bound", "device": before, "fresh": true, "kept": true, "persisted": true, "plugged": true}
	all = append(all, bound,
		with(bound, "kept", false, "persisted", false, "device", unverified),
		with(bound, "fresh", false, "persisted", nil, "plugged", false),
		with(bound, "fresh", false, "persisted", false, "device", unknown),
	)
	all = append(all, fields{"name": "code", "source": "screen", "renew": true}, fields{"name": "wrong", "source": "screen", "renew": true, "triesLeft": nil})
	for _, manage := range []string{"asking", "revealed", "hidden", "not-remembered", "on-screen", "renewed"} {
		all = append(all, with(bound, "manage", manage), with(bound, "manage", manage, "fresh", false))
	}
	forget := fields{"name": "forget", "serial": "imKey01191200001"}
	all = append(all, forget, with(forget, "damage", "record-corrupt"), with(forget, "damage", "device-mismatch"), with(forget, "former", true), with(forget, "going", true))
	for _, code := range errcode.All() {
		all = append(all, fields{"name": "error", "code": string(code)})
	}
	return append(all, managedStates()...)
}

// managedStates are those of the management of devices, in words of web/ui/management/state.ts.
func managedStates() []fields {
	key := fields{"of": "simulator", "fingerprint": "1a2b 3c4d 5e6f 7081"}
	of := func(m fields) fields {
		known := fields{
			"seid": "18000000000000000102030405060708", "serial": "imKey01191200001", "called": nil, "plugged": false, "record": "bound",
			"boundAt": "2026-01-02T03:04:05Z", "certificate": "verified", "key": key, "codeKept": true,
			"keyFromFile": false, "alike": false,
		}
		maps.Copy(known, m)
		known["name"] = known["called"]
		return known
	}
	another := fields{"of": "another", "fingerprint": "1a2b 3c4d 5e6f 7081"}
	savings := of(fields{"called": "Savings", "plugged": true})
	long := of(fields{"called": strings.Repeat("WM", 16), "serial": "imKey01191200002", "certificate": "unverified", "key": nil, "codeKept": false})
	devices := []fields{
		savings, long,
		of(fields{"seid": "2", "serial": "imKey01191200003", "record": "unfinished", "boundAt": nil, "certificate": nil, "key": nil, "codeKept": false}),
		of(fields{"seid": "3", "serial": "imKey01191200004", "record": "imported", "certificate": nil, "key": nil, "keyFromFile": true, "alike": true, "called": "Lеdger (е U+0435)"}),
		of(fields{"seid": "4", "serial": "imKey01191200005", "record": "former", "key": another, "plugged": true, "codeKept": false}),
		of(fields{"seid": "5", "serial": "", "record": "unreadable", "boundAt": nil, "certificate": nil, "key": nil, "codeKept": false}),
	}
	all := []fields{{"name": "start", "devices": devices}, {"name": "start", "devices": devices[:1], "forgotten": true}}
	for _, known := range devices {
		all = append(all, fields{"name": "known", "known": known})
	}
	for _, said := range []string{"renamed", "unnamed", "imported"} {
		all = append(all, fields{"name": "known", "known": savings, "said": said})
	}
	const file = "imkey-01191200001-binding.age"
	all = append(all,
		fields{"name": "rename", "known": savings},
		fields{"name": "forget-known", "known": long},
		fields{"name": "forget-known", "known": devices[5]},
		fields{"name": "forget-known", "known": savings, "going": true},
		fields{"name": "export", "known": savings},
		fields{"name": "export", "known": savings, "going": true},
		fields{"name": "exported", "known": savings, "file": file},
		fields{"name": "import"},
		fields{"name": "import-passphrase", "file": file},
		fields{"name": "import-passphrase", "file": file, "problem": "wrong-passphrase"},
		fields{"name": "import-passphrase", "file": file, "going": true},
		fields{"name": "import-exists", "file": file, "known": savings},
		fields{"name": "import-exists", "file": file, "known": devices[5]},
		fields{"name": "import-exists", "file": file, "known": nil},
		fields{"name": "trouble", "code": "storage-full"},
	)
	for _, problem := range []string{"not-a-binding", "damaged", "version", "another-device", "another-element"} {
		all = append(all, fields{"name": "import", "problem": problem})
	}
	for _, step := range []string{"first", "why", "at-hand", "count", "keep", "how"} {
		all = append(all, fields{"name": "lost", "step": step, "serial": "imKey01191200001", "known": savings})
	}
	return append(all,
		fields{"name": "lost", "step": "first", "serial": "imKey01191200002", "known": long},
		fields{"name": "lost", "step": "first", "serial": "imKey01191200003", "known": devices[2]},
		fields{"name": "lost", "step": "why", "serial": "imKey01191200009", "known": nil},
	)
}

// TestEveryStateIsListed checks that states contains every name that the types of the states know.
func TestEveryStateIsListed(t *testing.T) {
	t.Parallel()
	all, err := json.Marshal(states())
	require.NoError(t, err)
	for file, part := range map[string]struct {
		from, to string
		least    int
	}{
		"web/ui/pairing/state.ts":    {"export interface", "export type StateName", 20},
		"web/ui/model/facts.ts":      {"export interface", "export type ManagementOutcome", 10},
		"web/ui/management/state.ts": {"export type FileProblem", "export type ManageName", 20},
	} {
		source, err := os.ReadFile(harness.RepoPath(file))
		require.NoError(t, err)
		types, _, found := strings.Cut(string(source), part.to)
		require.True(t, found)
		names := regexp.MustCompile(`(?m)'([a-z-]+)'`).FindAllStringSubmatch(types[strings.Index(types, part.from):], -1)
		require.Greater(t, len(names), part.least)
		for _, name := range names {
			require.Contains(t, string(all), `"`+name[1]+`"`)
		}
	}
}
