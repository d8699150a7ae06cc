package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// site is a place in the code with one change.
type site struct {
	id             int
	file, function string
	line           int
	from, to       int    // the offsets of what is replaced
	what           string // the change, in words
	nth            int    // from 1, among the changes with the same words in a function
	form           string // the new text
	parts          [][2]int
}

// name identifies a change as long as the function does not change.
func (s site) name() string {
	if s.what == "" { // of TypeScript
		return s.file + ": " + s.function
	}
	name := s.file + ": " + s.function + ": " + s.what
	if s.nth > 1 {
		name += fmt.Sprintf(" (%d)", s.nth)
	}
	return name
}

func (s site) key() string      { return fmt.Sprintf("%s:%d:%d:%s", s.file, s.from, s.to, s.what) }
func (s site) arithmetic() bool { return strings.HasPrefix(s.what, "arithmetic") }

// text returns the new text of a site. inner returns a part of the source with its own sites replaced.
func (s site) text(inner func(from, to int) string) string {
	var b strings.Builder
	parts := s.parts
	for rest := s.form; rest != ""; {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(before)
		if !found {
			break
		}
		if after[0] == 'd' {
			fmt.Fprintf(&b, "%d", s.id)
		} else if after[0] == 's' {
			b.WriteString(inner(parts[0][0], parts[0][1]))
			parts = parts[1:]
		} else {
			b.WriteByte('%')
			rest = after
			continue
		}
		rest = after[1:]
	}
	return b.String()
}

// support is the file that the changed package gets.
const support = `package %s

import (
	"os"
	"strconv"
)

var mutantActive, _ = strconv.Atoi(os.Getenv(%q))

func mutant(id int) bool { return id == mutantActive }

func mutantOf[T any](id int, was, is T) T {
	if id == mutantActive {
		return is
	}
	return was
}

func mutantError(id int, err error) error {
	if id == mutantActive {
		return nil
	}
	return err
}
`

// rewrite writes the files of a package with all changes, and an overlay for the go command.
func rewrite(pkg, dir string, dropped map[string]bool) (sites []site, overlay string, err error) {
	replace := map[string]string{}
	folder, err := filepath.Abs(pkg)
	if err != nil {
		return nil, "", err
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, "", err
	}
	name := ""
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, "", err
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, source, 0)
		if err != nil {
			return nil, "", err
		}
		name = parsed.Name.Name
		found := slices.DeleteFunc(find(set, parsed, source), func(s site) bool { return dropped[s.key()] })
		for i := range found {
			found[i].id = len(sites) + i + 1
		}
		// The outer of two nested sites comes first.
		slices.SortStableFunc(found, func(a, b site) int {
			if a.from != b.from {
				return a.from - b.from
			}
			return b.to - a.to
		})
		out := filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(out, []byte(render(source, found, 0, len(source))), 0o644); err != nil {
			return nil, "", err
		}
		replace[file] = out
		sites = append(sites, found...)
	}
	out := filepath.Join(dir, "mutant_support.go")
	if err := os.WriteFile(out, fmt.Appendf(nil, support, name, variable), 0o644); err != nil {
		return nil, "", err
	}
	replace[filepath.Join(folder, "mutant_support.go")] = out
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return sites, overlay, os.WriteFile(overlay, data, 0o644)
}

// render returns a part of the source with the sites in it replaced. No line moves.
func render(source []byte, sites []site, from, to int) string {
	var b strings.Builder
	for i := 0; i < len(sites); i++ {
		s := sites[i]
		if s.from < from || s.to > to {
			continue
		}
		within := sites[i+1:]
		b.Write(source[from:s.from])
		b.WriteString(s.text(func(from, to int) string { return render(source, within, from, to) }))
		from = s.to
	}
	b.Write(source[from:to])
	return b.String()
}

var (
	bounds     = map[token.Token]token.Token{token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR}
	opposites  = map[token.Token]token.Token{token.LSS: token.GEQ, token.LEQ: token.GTR, token.GTR: token.LEQ, token.GEQ: token.LSS, token.EQL: token.NEQ, token.NEQ: token.EQL, token.LAND: token.LOR, token.LOR: token.LAND}
	arithmetic = map[token.Token]token.Token{token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.AND: token.OR, token.OR: token.AND, token.XOR: token.AND, token.SHL: token.SHR, token.SHR: token.SHL, token.REM: token.MUL}
)

// finder finds the sites of a function.
type finder struct {
	set      *token.FileSet
	source   []byte
	function *ast.FuncDecl
	counted  map[string]int
	sites    []site
}

// find returns the sites of a file.
func find(set *token.FileSet, file *ast.File, source []byte) (sites []site) {
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			in := &finder{set, source, f, map[string]int{}, nil}
			in.body(f.Type, f.Body)
			sites = append(sites, in.sites...)
		}
	}
	return sites
}

func (f *finder) offsets(n ast.Node) (from, to int) {
	return f.set.Position(n.Pos()).Offset, f.set.Position(n.End()).Offset
}

// add adds a site that replaces a node. form is the new text, in which %d is the number of the site; parts are the nodes for each %s.
func (f *finder) add(n ast.Node, what, form string, parts ...ast.Node) {
	from, to := f.offsets(n)
	short := strings.Join(strings.Fields(string(f.source[from:to])), " ")
	what += ": " + short[:min(len(short), 60)]
	f.counted[what]++
	where := f.set.Position(n.Pos())
	f.sites = append(f.sites, site{file: filepath.Base(where.Filename), function: f.function.Name.Name, what: what, nth: f.counted[what],
		line: where.Line, from: from, to: to, form: form, parts: f.ranges(parts)})
}

func (f *finder) ranges(nodes []ast.Node) (all [][2]int) {
	for _, n := range nodes {
		from, to := f.offsets(n)
		all = append(all, [2]int{from, to})
	}
	return all
}

// body finds the sites in a function with a type. Its last result may be an error.
func (f *finder) body(typ *ast.FuncType, body *ast.BlockStmt) {
	results := 0
	fails := false
	if typ.Results != nil {
		results = typ.Results.NumFields()
		last, ok := typ.Results.List[len(typ.Results.List)-1].Type.(*ast.Ident)
		fails = ok && last.Name == "error"
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.body(n.Type, n.Body)
			return false
		case *ast.GenDecl:
			return n.Tok != token.CONST
		case *ast.ArrayType:
			return false // its length is a constant
		case *ast.BinaryExpr:
			f.binary(n)
		case *ast.IfStmt:
			f.condition(n.Cond)
		case *ast.ForStmt:
			if n.Cond != nil {
				f.condition(n.Cond)
			}
		case *ast.BlockStmt:
			f.statements(n.List)
		case *ast.CaseClause:
			f.statements(n.Body)
		case *ast.CommClause:
			f.statements(n.Body)
		case *ast.ReturnStmt:
			if len(n.Results) != results || results == 0 {
				break
			}
			last := n.Results[results-1]
			if name, ok := last.(*ast.Ident); fails && !(ok && name.Name == "nil") {
				f.add(last, "no error", "mutantError(%d, %s)", last)
			}
			for _, r := range n.Results {
				if name, ok := r.(*ast.Ident); ok && (name.Name == "true" || name.Name == "false") {
					f.add(r, "opposite", "mutant(%d) != %s", r)
				}
			}
		}
		return true
	})
}

func (f *finder) binary(n *ast.BinaryExpr) {
	either := func(what string, op token.Token) {
		// The node itself is a part, so that another change of it is within this one.
		f.add(n, what, "(mutant(%d) && (%s "+op.String()+" %s) || !mutant(%d) && (%s))", n.X, n.Y, n)
	}
	if op, ok := bounds[n.Op]; ok {
		either("bound", op)
	}
	if op, ok := opposites[n.Op]; ok {
		either("opposite", op)
	}
	if op, ok := arithmetic[n.Op]; ok {
		f.add(n, "arithmetic", "mutantOf(%d, %s "+n.Op.String()+" %s, %s "+op.String()+" %s)", n.X, n.Y, n.X, n.Y)
	}
}

// condition adds the opposite of a condition that is no comparison.
func (f *finder) condition(e ast.Expr) {
	if _, ok := e.(*ast.BinaryExpr); !ok {
		f.add(e, "opposite", "(%s) != mutant(%d)", e)
	}
}

// statements adds the omission of each statement that can be left out.
func (f *finder) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
		case *ast.ExprStmt, *ast.IncDecStmt, *ast.DeferStmt:
		default:
			continue
		}
		f.add(s, "left out", "if !mutant(%d) { %s }", s)
	}
}
