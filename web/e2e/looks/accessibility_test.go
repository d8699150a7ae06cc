package looks

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// axNode is an element of the accessibility tree, which screen readers read.
type axNode struct {
	role, name, description, value string
	properties                     map[string]string
	children                       []*axNode
}

// tree returns the accessibility tree of the page, without ignored elements.
func tree(b *harness.Browser) *axNode {
	b.T.Helper()
	r, err := chromedp.Run(b.Ctx, func(ctx context.Context, target *chromedp.Target) (accessibility.GetFullAXTreeResult, error) {
		return cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	})
	require.NoError(b.T, err)
	byID := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range r.Nodes {
		byID[n.NodeID] = n
	}
	text := func(v *accessibility.Value) string {
		if v == nil || len(v.Value) == 0 {
			return ""
		}
		var s string
		if json.Unmarshal(v.Value, &s) != nil {
			s = string(v.Value)
		}
		return s
	}
	var convert func(id accessibility.NodeID) []*axNode
	convert = func(id accessibility.NodeID) []*axNode {
		n := byID[id]
		if n == nil {
			return nil
		}
		var below []*axNode
		for _, child := range n.ChildIDs {
			below = append(below, convert(child)...)
		}
		if n.Ignored {
			return below
		}
		node := &axNode{role: text(n.Role), name: text(n.Name), description: text(n.Description), value: text(n.Value), children: below, properties: map[string]string{}}
		for _, p := range n.Properties {
			node.properties[string(p.Name)] = text(p.Value)
		}
		return []*axNode{node}
	}
	roots := convert(r.Nodes[0].NodeID)
	require.Len(b.T, roots, 1)
	return roots[0]
}

// all returns the node and the nodes below it that satisfy ok, in the order of the page.
func (n *axNode) all(ok func(*axNode) bool) []*axNode {
	var found []*axNode
	if ok(n) {
		found = append(found, n)
	}
	for _, child := range n.children {
		found = append(found, child.all(ok)...)
	}
	return found
}

// ofRole returns the nodes with one of the roles.
func (n *axNode) ofRole(roles ...string) []*axNode {
	return n.all(func(n *axNode) bool { return slices.Contains(roles, n.role) })
}

// inGroup returns the group with a name, or an empty node where there is not exactly one.
func (n *axNode) inGroup(name string) *axNode {
	groups := n.all(func(n *axNode) bool { return n.role == "group" && n.name == name })
	if len(groups) != 1 {
		return &axNode{}
	}
	return groups[0]
}

// TestCodeBoxesForScreenReaders checks that the eight boxes are one group with one name for a screen reader, and that each
// gives its position.
func TestCodeBoxesForScreenReaders(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
	for _, language := range []string{"en", "zh"} {
		b.OpenInLanguage(language, "/")
		group := b.Words("pairing.codeGroup")
		b.Run(`(await import(document.querySelector('script[type=module]').src)).show({ name: 'code', source: 'screen' })`)
		boxes := func() []*axNode {
			tree := tree(b)
			boxes := tree.inGroup(group).ofRole("textbox")
			require.Len(t, boxes, 8)
			require.Len(t, tree.ofRole("textbox"), 8, "there is no other text box")
			for i, box := range boxes {
				require.Equal(t, b.Words("pairing.codeBox", i+1), box.name)
			}
			return boxes
		}
		for i, box := range boxes() {
			require.Equal(t, "false", box.properties["invalid"])
			require.Equal(t, i == 0, box.properties["focused"] == "true", "the focus is in the first box")
		}
		b.Do(chromedp.KeyEvent("a0"))
		for i, box := range boxes() {
			require.Equal(t, i == 1, box.properties["invalid"] == "true", "only 0 is marked")
		}
		require.Contains(t, tree(b).inGroup(group).description, b.Words("pairing.codeRule.lookalike"), "the reason describes the group")
	}
}

// TestAnnouncements checks that changes of state are announced politely and errors at once, in live regions that exist before.
func TestAnnouncements(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
	regions := func() (polite, urgent *axNode) {
		tree := tree(b)
		live := func(how, said string) *axNode {
			selector := fmt.Sprintf("document.querySelector('[data-live=%s]')", how)
			require.Equal(t, said, harness.Eval[string](b, selector+".textContent"))
			found := tree.all(func(n *axNode) bool {
				return n.properties["live"] == how && (n.role == "status" || n.role == "alert") && (said == "" || n.text() == said)
			})
			require.NotEmpty(t, found, "%s: %q", how, said)
			return found[0]
		}
		return live("polite", harness.Eval[string](b, "document.querySelector('[data-live=polite]').textContent")),
			live("assertive", harness.Eval[string](b, "document.querySelector('[data-live=assertive]').textContent"))
	}
	malformed, _ := b.ErrorWords("protocol")
	rejected, _ := b.ErrorWords("user-rejected")
	for _, c := range []struct{ state, polite, urgent string }{
		{`{ name: 'choosing' }`, b.Words("pairing.choosingTitle"), ""},
		{`{ name: 'code', source: 'screen' }`, b.Words("pairing.codeTitle"), ""},
		{`{ name: 'checking', source: 'screen', attention: true }`, b.Words("pairing.waitingTitle"), ""},
		{`{ name: 'wrong', source: 'screen', triesLeft: 3 }`, "", b.Words("pairing.wrongCode", "screen", 3)},
		{`{ name: 'error', code: 'protocol' }`, "", malformed},
		{`{ name: 'error', code: 'user-rejected' }`, rejected, ""},
	} {
		b.Run(`await (await import(document.querySelector('script[type=module]').src)).show(` + c.state + `)`)
		polite, urgent := regions()
		if c.polite == "" {
			require.Empty(t, polite.text(), c.state)
			require.Contains(t, urgent.text(), c.urgent)
		} else {
			require.Empty(t, urgent.text(), c.state)
			require.Contains(t, polite.text(), c.polite)
		}
	}
}

// text returns the text inside a node.
func (n *axNode) text() string {
	if n.role == "StaticText" {
		return n.name
	}
	var all string
	for _, child := range n.children {
		all += child.text()
	}
	return all
}

// everyControlIsNamed checks that the page has one heading, and that everything that takes the focus has a name.
func everyControlIsNamed(b *harness.Browser, where string) {
	b.T.Helper()
	tree := tree(b)
	headings := tree.all(func(n *axNode) bool { return n.role == "heading" && n.properties["level"] == "1" })
	require.Len(b.T, headings, 1, where)
	require.NotEmpty(b.T, headings[0].name)
	require.Len(b.T, tree.ofRole("main"), 1, where)
	for _, n := range tree.all(func(n *axNode) bool { return n.properties["focusable"] == "true" && n.role != "RootWebArea" }) {
		require.NotEmpty(b.T, n.name+n.text(), "%s: a %s", where, n.role)
	}
	for _, n := range tree.ofRole("image", "switch", "checkbox", "button", "link", "textbox") {
		require.NotEmpty(b.T, n.name, "%s: a %s", where, n.role)
	}
}

// TestEveryControlHasAName checks that every state has one heading, and that everything that takes the focus has a name.
func TestEveryControlHasAName(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true})
	b.Open("/")
	for _, state := range states() {
		j, err := json.Marshal(state)
		require.NoError(t, err)
		b.Run(`await (await import(document.querySelector('script[type=module]').src)).show(` + string(j) + `)`)
		everyControlIsNamed(b, string(j))
	}
	b.Open("/device")
	b.WaitUntil("document.querySelector('[data-fact]') !== null")
	b.Run(`for (const d of document.querySelectorAll('details')) d.open = true`)
	everyControlIsNamed(b, "/device")
	require.Len(t, tree(b).inGroup(b.Words("device.buttons")).ofRole("button"), 4)
}
