package security

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// keepMemories runs before the scripts of the page. It keeps the memory of each instance of WebAssembly.
const keepMemories = `{
	const { instantiate } = WebAssembly
	globalThis.memories = []
	WebAssembly.instantiate = async (...args) => {
		const made = await instantiate(...args)
		memories.push((made.instance ?? made).exports.mem)
		return made
	}
}`

// codeForms are the forms of a binding code that are counted in memory, by name.
func codeForms(code string) map[string][]byte {
	forms := map[string][]byte{}
	for letters, s := range map[string]string{"upper case": code, "lower case": strings.ToLower(code)} {
		for form, s := range map[string]string{"": s, " in halves": s[:4] + "-" + s[4:], " spaced": strings.Join(strings.Split(s, ""), " ")} {
			forms[letters+form+", ASCII"] = []byte(s)
			forms[letters+form+", UTF-16"] = utf16LE(s)
		}
	}
	return forms
}

func utf16LE(s string) (b []byte) {
	for _, c := range []byte(s) {
		b = append(b, c, 0)
	}
	return b
}

// countInMemory counts forms in the memories of the page's instances.
func countInMemory(b *harness.Browser, forms map[string][]byte) (counts map[string]int, total int, size int) {
	b.T.Helper()
	list, err := json.Marshal(func() map[string][]int {
		all := map[string][]int{}
		for name, form := range forms {
			for _, c := range form {
				all[name] = append(all[name], int(c))
			}
		}
		return all
	}())
	require.NoError(b.T, err)
	found := harness.Eval[struct {
		Counts map[string]int
		Size   int
	}](b, fmt.Sprintf(`(() => {
		const forms = %s, counts = {}
		let size = 0
		for (const { buffer } of memories) {
			const bytes = new Uint8Array(buffer)
			size += bytes.length
			for (const [name, form] of Object.entries(forms)) {
				for (let at = -1; (at = bytes.indexOf(form[0], at + 1)) >= 0;) {
					if (form.every((byte, i) => bytes[at + i] === byte)) counts[name] = (counts[name] ?? 0) + 1
				}
			}
		}
		return { counts, size }
	})()`, list))
	for _, n := range found.Counts {
		total += n
	}
	return found.Counts, total, found.Size
}

// inHeap counts the strings of a heap snapshot of the page that contain a text.
func inHeap(b *harness.Browser, text string) (n int) {
	b.T.Helper()
	for _, s := range b.HeapStrings() {
		if strings.Contains(strings.ToUpper(s), text) {
			n++
		}
	}
	return n
}

// TestCodeInMemory pairs by the connect page and counts what is left of the code in the module's memory, and of its halves. It prints
// the figures that docs/security.md refers to. A planted copy in each form is found.
func TestCodeInMemory(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	s.AddScript(keepMemories)
	b := s.StartBrowser(harness.BrowserOptions{})
	b.Open("/")
	b.GoToCode()
	code := s.Device.Code()
	wrong := harness.WrongCode(code)
	b.EnterCode(wrong)
	b.WaitForState("wrong")
	b.EnterCode(code)
	b.WaitForState("bound")

	halves := map[string][]byte{}
	for _, half := range []string{code[:4], code[4:]} {
		for letters, s := range map[string]string{"upper case": half, "lower case": strings.ToLower(half)} {
			halves[letters+" "+s+", ASCII"], halves[letters+" "+s+", UTF-16"] = []byte(s), utf16LE(s)
		}
	}
	look := func(when string) {
		t.Helper()
		counts, total, size := countInMemory(b, codeForms(code))
		_, wrongTotal, _ := countInMemory(b, codeForms(wrong))
		parts, partsTotal, _ := countInMemory(b, halves)
		t.Logf("%s: %d copies of the code in %d bytes of WebAssembly memory, %d of the wrong code, %d of a half; %d strings with the code in the JavaScript heap",
			when, total, size, wrongTotal, partsTotal, inHeap(b, code))
		require.Positive(t, size)
		require.Zero(t, total, "%s: %v", when, counts)
		require.Zero(t, wrongTotal, when)
		require.LessOrEqual(t, partsTotal, 2, "%s: %v", when, parts) // four characters may be there by chance
	}
	look("after pairing")
	b.UnfoldManagement()
	b.Press("view-code")
	b.WaitForMessage("pairing.revealed")
	require.Equal(t, code, b.ShownCode())
	look("while the page shows the code")

	// The search finds what is there.
	for name, form := range codeForms(code) {
		bytes := make([]int, len(form))
		for i, c := range form {
			bytes[i] = int(c)
		}
		list, _ := json.Marshal(bytes)
		b.Run(fmt.Sprintf(`
			const memory = new Uint8Array(memories[0].buffer)
			globalThis.kept = memory.slice(-64)
			memory.set(%s, memory.length - 64)`, list))
		planted, _, _ := countInMemory(b, codeForms(code))
		require.Equal(t, 1, planted[name], name)
		b.Run("new Uint8Array(memories[0].buffer).set(kept, memories[0].buffer.byteLength - 64)")
	}
}
